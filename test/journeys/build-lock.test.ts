import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/folders.js';
import { until } from '../support/until.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-lock-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Takes the lock, writes that it has begun and, once it may, that it has ended. */
const worker = `
  import { existsSync } from 'node:fs';
  import { appendFile } from 'node:fs/promises';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { alone } from ${JSON.stringify(join(ROOT, 'scripts', 'lib', 'lock.mjs'))};
  const [folder, name] = process.argv.slice(1);
  await alone({ folder, say: (line) => console.log(line) }, async () => {
    await appendFile(folder + '/log', name + ' begins\\n');
    while (!existsSync(folder + '/go')) await sleep(20);
    await appendFile(folder + '/log', name + ' ends\\n');
  });
`;

const WAITS = /is installing or building in this folder/;

class Worker {
  said = '';
  readonly ended: Promise<void>;

  constructor(name: string) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', worker, '--', folder, name]);
    child.stdout.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.ended = once(child, 'close').then(([code]) => {
      expect(code, this.said).toBe(0);
    });
  }
}

describe('two starts in one folder', () => {
  it('install and build one after the other, and the later says for whom it waits', async () => {
    const workers = ['a', 'b', 'c'].map((name) => new Worker(name));
    const ended = Promise.all(workers.map((one) => one.ended));
    const waiting = (): number => workers.filter(({ said }) => WAITS.test(said)).length;
    await Promise.race([until('two to wait for the first', () => waiting() === 2), ended]);
    await writeFile(join(folder, 'go'), '');
    await ended;
    const lines = (await readFile(join(folder, 'log'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(6);
    for (let index = 0; index < lines.length; index += 2) {
      expect(lines[index + 1]).toBe(lines[index]?.replace('begins', 'ends'));
    }
    expect(waiting()).toBe(2);
    expect(existsSync(join(folder, '.build-lock'))).toBe(false);
  });

  it('do not wait for a process that is gone', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'close');
    await writeFile(join(folder, '.build-lock'), String(gone.pid));
    const alone = new Worker('d');
    await alone.ended;
    expect(alone.said).toBe('');
  });
});
