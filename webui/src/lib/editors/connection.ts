/** How a machine calls the sandboxes of a portal, and what sets it up. `static/ssh/helper.py` has the same rules. */

const FOLDER = '~/.ssh/fullstackagent';
const LONGEST = 63;

/** Whose label says it all: a hyphen in it can only stand for a dot, or for the colon before a port. */
const PLAIN = /^[a-z0-9]+(?:\.[a-z0-9]+)*(?::\d+)?$/;

/**
 * What a portal is called in names of hosts: `localhost-3000` for `http://localhost:3000`. Two portals are never called
 * alike: what cannot be told from another host (`a-b.example` and `a.b.example`) has a hash behind two hyphens.
 */
export function portalLabel(origin: string): string {
  const host = new URL(origin).host.toLowerCase();
  const label = host.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  if (PLAIN.test(host) && label.length <= LONGEST) return label;
  const hash = `--${hashOf(host)}`;
  return `${label.slice(0, LONGEST - hash.length).replace(/-$/, '')}${hash}`;
}

/** FNV-1a, 32 bits, as 7 characters. It tells names apart; that none is taken for another, the helper makes sure of. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(36).padStart(7, '0');
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
