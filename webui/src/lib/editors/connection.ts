/** How a machine calls the sandboxes of a portal, and what sets it up. `static/ssh/helper.py` has the same rules. */

const FOLDER = '~/.ssh/fullstackagent';
const LONGEST = 63;

/** What a portal is called in names of hosts: `localhost-3000` for `http://localhost:3000`. */
export function portalLabel(origin: string): string {
  const host = new URL(origin).host.toLowerCase();
  const plain = host.replaceAll(/[^a-z0-9]+/g, '-').slice(0, LONGEST);
  return plain.replaceAll(/^-|-$/g, '');
}

/** `projectKey`: the name in one's own namespace, `<namespace>~<name>` elsewhere. */
export function sshHost(projectKey: string, origin: string): string {
  const parts = projectKey.split('~').reverse();
  return [...parts, portalLabel(origin), 'fsa'].join('.');
}

/** For a shell of the person's own machine. The code is read from standard input: arguments are seen by others. */
export function setUpCommand({
  origin,
  code,
  projectKey,
}: {
  readonly origin: string;
  readonly code: string;
  readonly projectKey: string;
}): string {
  const helper = `${FOLDER}/helper.py`;
  return [
    `mkdir -p ${FOLDER} &&`,
    `curl -fsS '${origin}/ssh/helper.py' -o ${helper} &&`,
    `printf %s ${code} | python3 ${helper} setup '${origin}' ${portalLabel(origin)} '${projectKey}'`,
  ].join('\n');
}

export const UPDATE_COMMAND = `python3 ${FOLDER}/helper.py update`;
export const REMOVE_COMMAND = `python3 ${FOLDER}/helper.py remove`;

const path = (folder: string): string => folder.split('/').map(encodeURIComponent).join('/');

/** Opens VS Code with its extension Remote-SSH. */
export const codeLink = (host: string, folder: string): string =>
  `vscode://vscode-remote/ssh-remote+${host}${path(folder)}`;

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const codeCommand = (host: string, folder: string): string =>
  `code --remote ssh-remote+${host} ${quoted(folder)}`;
