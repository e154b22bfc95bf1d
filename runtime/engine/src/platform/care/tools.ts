import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { NpmError } from '../../agent/npm.js';
import { agentPlaces, claudeCode, ToolFolder } from '../../agent/index.js';
import { ToolError } from '../../agent/tool-folder.js';
import { searchPath } from '../../config.js';
import { openHome } from '../home.js';
import { StartProblem } from '../problem.js';

const USAGE = 'npm run tools [-- install | remove]';
const EVERY_MS = 2_000;

export interface ToolsOptions {
  readonly root: string;
  readonly home: string;
  /** undefined: say what there is. */
  readonly action: string | undefined;
  readonly say: (line: string) => void;
}

/**
 * Claude Code for all sandboxes of this machine, while the platform runs or while it does not: running sandboxes have it
 * at once. Throws {@link StartProblem}.
 */
export async function manageTools({ root, home, action, say }: ToolsOptions): Promise<void> {
  const place = agentPlaces((await openHome(home)).engine);
  const tools = new ToolFolder(place.tools, claudeCode(join(root, 'runtime', 'tools')));
  await tools.open();
  try {
    if (action === undefined) await describe(tools, say);
    else if (action === 'install') await install(tools, say);
    else if (action === 'remove') {
      await tools.remove();
      say('Claude Code is not in the shared folder (any more).');
    } else throw new StartProblem(`There is no such command: ${action}. ${USAGE}`);
  } catch (error) {
    if (error instanceof NpmError) throw new StartProblem([error.message, ...error.lines].join('\n'), error);
    if (error instanceof ToolError) throw new StartProblem(error.message, error);
    throw error;
  }
}

async function describe(tools: ToolFolder, say: ToolsOptions['say']): Promise<void> {
  const [installed, { version }] = await Promise.all([tools.installed(), tools.wanted()]);
  if (installed === undefined)
    say(`Claude Code is not in ${tools.folder}. To install ${version}: npm run tools -- install`);
  else {
    say(`Claude Code ${installed.version} is in ${tools.folder} (${megabytes(installed.bytes)}).`);
    if (installed.version !== version) say(`To replace it by ${version}: npm run tools -- install`);
  }
}

async function install(tools: ToolFolder, say: ToolsOptions['say']): Promise<void> {
  const { version } = await tools.wanted();
  say(`Installing Claude Code ${version} from npm …`);
  const abort = new AbortController();
  // npm is in a group of its own: Ctrl-C reaches this process alone.
  const cancel = (): void => abort.abort(new ToolError('Cancelled. Nothing was installed.'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, cancel);
  const installing = tools.install({ path: searchPath(), signal: abort.signal });
  const over = installing.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([over, sleep(EVERY_MS, false)]))) say(`  ${megabytes(await tools.written())}`);
  const { bytes } = await installing;
  say(`Claude Code ${version} is installed (${megabytes(bytes)}). Sandboxes have it at once, in new shells.`);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
