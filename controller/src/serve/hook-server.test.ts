import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { HookServer, type PushHandler, type RefCommand } from './hook-server.js';
import { packet } from './pkt-line.js';
import { PushRefused } from './refusal.js';
import { HOOKS_FOLDER } from './settings.js';

/** The hooks as git runs them, against the server they ask. */

const OLD = '0'.repeat(40);
const NEW = '1'.repeat(40);
const COMMAND = `${OLD} ${NEW} refs/for/main`;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

async function run(
  hook: string,
  environment: Record<string, string>,
  input: string | Buffer,
): Promise<Ended> {
  const env = { PATH: '/usr/bin:/bin', GIT_QUARANTINE_PATH: '/the/quarantine', ...environment };
  const child = spawn(join(HOOKS_FOLDER, hook), [], { env });
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, said: said.trim() };
}

const negotiation = Buffer.concat([
  packet('version=1\0\n'),
  Buffer.from('0000'),
  packet(COMMAND),
  Buffer.from('0000'),
]);

describe('a hook of a push', () => {
  let server: HookServer;
  let checked: { commands: readonly RefCommand[]; quarantine: string }[];
  let merged: number;

  beforeEach(async () => {
    [checked, merged] = [[], 0];
    server = await HookServer.start(pino({ level: 'silent' }));
    onTestFinished(() => server.stop());
  });

  const handler = (changes: Partial<PushHandler> = {}): PushHandler => ({
    check: (commands, quarantine) => {
      checked.push({ commands, quarantine });
      return Promise.resolve([]);
    },
    merge: () => {
      merged += 1;
      return Promise.resolve(['Merged as x']);
    },
    ...changes,
  });

  it('asks, and does what it is told: check first, then merge', async () => {
    const { environment } = server.open(handler());
    expect(await run('pre-receive', environment, `${COMMAND}\n`)).toEqual({ code: 0, out: '', said: '' });
    expect(checked).toEqual([
      { commands: [{ from: OLD, to: NEW, ref: 'refs/for/main' }], quarantine: '/the/quarantine' },
    ]);
    const ended = await run('proc-receive', environment, negotiation);
    expect(ended).toEqual({
      code: 0,
      out: '000eversion=1\0' + '0000' + '0014ok refs/for/main' + '0000',
      said: 'Merged as x',
    });
    expect(merged).toBe(1);
  });

  it('shows what is wrong, and nothing in it moves the cursor', async () => {
    const refuse = (): Promise<never> =>
      Promise.reject(new PushRefused(['a\u001b[2Jb\nc', ...Array<string>(50).fill('more')]));
    const { environment } = server.open(handler({ check: refuse }));
    const { code, said } = await run('pre-receive', environment, `${COMMAND}\n`);
    expect(code).toBe(1);
    expect(said.split('\n')[0]).toBe('a [2Jb c');
    expect(said.split('\n').at(-1)).toBe('and 11 more.');
    expect((await run('proc-receive', environment, negotiation)).code).toBe(1);
    expect(merged).toBe(0);
  });

  it('tells git that a merge was refused', async () => {
    const refuse = (): Promise<never> => Promise.reject(new PushRefused(['main moved']));
    const { environment } = server.open(handler({ merge: refuse }));
    await run('pre-receive', environment, `${COMMAND}\n`);
    const { code, out, said } = await run('proc-receive', environment, negotiation);
    expect([code, said]).toEqual([0, 'main moved']);
    expect(out).toContain('ng refs/for/main not merged');
  });

  it.each([
    ['without a secret', (): Record<string, string> => ({ GITOPS_HOOK_SECRET: '' })],
    ['with another secret', (): Record<string, string> => ({ GITOPS_HOOK_SECRET: 'f'.repeat(64) })],
  ])('is refused %s', async (_what, changes) => {
    const { environment } = server.open(handler());
    expect((await run('pre-receive', { ...environment, ...changes() }, `${COMMAND}\n`)).code).toBe(1);
    expect(checked).toEqual([]);
  });

  it('is refused out of turn: no merge without a check, nothing twice, nothing after the push', async () => {
    const { environment, close } = server.open(handler());
    expect((await run('proc-receive', environment, negotiation)).code).toBe(1);
    expect((await run('pre-receive', environment, `${COMMAND}\n`)).code).toBe(0);
    expect((await run('pre-receive', environment, `${COMMAND}\n`)).code).toBe(1);
    close();
    expect((await run('proc-receive', environment, negotiation)).code).toBe(1);
    expect([checked.length, merged]).toEqual([1, 0]);
  });

  it('is refused where something failed that nobody expected, without a word about it', async () => {
    const fail = (): Promise<never> => Promise.reject(new Error('/the/secret/path'));
    const { environment } = server.open(handler({ check: fail }));
    const { code, said } = await run('pre-receive', environment, `${COMMAND}\n`);
    expect(code).toBe(1);
    expect(said).toBe('The platform cannot take pushes right now. Try again in a moment.');
  });

  it('refuses by itself where nobody answers', async () => {
    const { environment } = server.open(handler());
    await server.stop();
    const { code, said } = await run('pre-receive', environment, `${COMMAND}\n`);
    expect(code).toBe(1);
    expect(said).toContain('The platform did not answer.');
  });
});
