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

/** Below what Linux gives to outgoing connections: one of those would take it before the platform listens, or between two starts. */
const PORTS = { from: 15_000, to: 31_000 } as const;

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (await isFree(port)) return port;
  }
  throw new Error('no port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
