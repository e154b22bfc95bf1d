import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  // Run from source by vitest and from `test/dist` by the benchmarks: one level deeper there.
  while (!folder.endsWith('/test')) folder = dirname(folder);
  return dirname(folder);
}

/** The repository. */
export const ROOT = findRoot();

/** What a run leaves for a person to look at: logs, screenshots. Not in git. */
export function resultsFolder(...below: readonly string[]): string {
  const folder = join(ROOT, 'test', 'results', ...below);
  mkdirSync(folder, { recursive: true });
  return folder;
}

export const temporaryFolder = (name: string): string => mkdtempSync(join(tmpdir(), `fsa-${name}-`));

export const removeFolder = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
};

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
