import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../testing/engine-harness.js';
import { prepareWorkspace, type Said } from './workspace-preparation.js';

let folder: string;
let said: Said[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-preparation-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Stands in for what the script starts: git obeys settings and variables that whoever works in the sandbox has written. */
async function prepare(script: string, limitMs?: number): Promise<void> {
  const path = join(folder, 'script.sh');
  await writeFile(path, script);
  await prepareWorkspace({
    script: path,
    surroundings: {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '' },
      command: (file, args) => ({ file, args }),
    },
    tell: (line) => said.push(line),
    ...(limitMs === undefined ? {} : { limitMs }),
  });
}

const last = (): Promise<unknown> =>
  until(
    () => Promise.resolve(said.find(({ message }) => /^at last$/.test(message)) ? true : undefined),
    'the last line',
  );

describe('the preparation of a workspace', () => {
  it('does not hold up its own start, and so those of others, where it waits for ever', async () => {
    await prepare('mkfifo pipe; sleep 1000 & echo $! >id; cat pipe', 4000);
    expect(said).toHaveLength(1);
    expect(said[0]?.message).toContain('could not be prepared');
    const id = Number(await readFile(join(folder, 'id'), 'utf8'));
    await until(async () => {
      const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
      return stat === '' || stat.includes(') Z ') ? true : undefined;
    }, 'what it started has ended');
  });

  it('tells a line without an end in pieces, each of a length that an event can have', async () => {
    await prepare('head -c 300000 /dev/zero | tr "\\0" x >&2; printf "\\nat last" >&2');
    await last();
    expect(said.length).toBeGreaterThan(1);
    for (const { message } of said) expect(message.length).toBeLessThanOrEqual(1000);
  });

  it('tells so many lines and no more, and lets the rest be written', async () => {
    await prepare('seq 100000 >&2; : >written');
    expect(await readFile(join(folder, 'written'), 'utf8')).toBe('');
    await until(() => Promise.resolve(said.length >= 50 ? true : undefined), 'what is told');
    expect(said).toHaveLength(50);
  });
});
