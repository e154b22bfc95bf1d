import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/folders.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-lock-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Takes the lock, writes that it has begun and, some turns later, that it has ended. */
const worker = `
  import { appendFile } from 'node:fs/promises';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { alone } from ${JSON.stringify(join(ROOT, 'scripts', 'lib', 'lock.mjs'))};
  const [folder, name] = process.argv.slice(1);
  await alone({ folder, say: (line) => console.log(line) }, async () => {
    await appendFile(folder + '/log', name + ' begins\\n');
    await sleep(300);
    await appendFile(folder + '/log', name + ' ends\\n');
  });
`;

async function work(name: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', worker, '--', folder, name]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code, said).toBe(0);
  return said;
}

describe('two starts in one folder', () => {
  it('install and build one after the other, and the later says for whom it waits', async () => {
    const said = await Promise.all(['a', 'b', 'c'].map(work));
    const lines = (await readFile(join(folder, 'log'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(6);
    for (let index = 0; index < lines.length; index += 2) {
      expect(lines[index + 1]).toBe(lines[index]?.replace('begins', 'ends'));
    }
    expect(said.filter((text) => /is installing or building in this folder/.test(text))).toHaveLength(2);
    expect(existsSync(join(folder, '.build-lock'))).toBe(false);
  });

  it('do not wait for a process that is gone', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'close');
    await writeFile(join(folder, '.build-lock'), String(gone.pid));
    expect(await work('d')).toBe('');
  });
});
