import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { probeIsolation } from '../isolation/index.js';
import { at, text } from '../store/object.js';
import { TestEngine, until, type Answer, type TestShell } from '../testing/engine-harness.js';
import { blogFiles } from '../testing/manifests.js';
import { npmTool } from '../testing/npm-tool.js';

const AGENT = '/api/v1/nodes/local/agent';
const by = { id: 'u1a2b3c4d5e6', name: 'ada' };
const { kind } = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });
const hasOwn = searchPath()
  .split(':')
  .map((folder) => access(join(folder, 'claude')));
/** The machine's own would be found first. */
const isElsewhere = (await Promise.allSettled(hasOwn)).some(({ status }) => status === 'fulfilled');

let root: string;
let engine: TestEngine;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-agent-'));
});

afterEach(async () => {
  await engine.remove();
  await rm(root, { recursive: true, force: true });
});

/** A sandbox with a key for Claude Code runs; what is installed says that it runs, and as what. */
async function start(
  isolation: 'auto' | 'none',
  script = 'echo "the agent has ${ANTHROPIC_API_KEY}"',
): Promise<void> {
  const tool = await npmTool({ root, version: '9.9.9', script, name: '@anthropic-ai/claude-code' });
  engine = await TestEngine.create(isolation, tool.pinnedIn);
  await engine.repository.commit(blogFiles({ env: { ANTHROPIC_API_KEY: 'key-of-blog' } }));
  await engine.start();
  await engine.readyPod();
}

const order = (action: string): Promise<Answer> =>
  engine.kube(AGENT, { method: 'POST', body: { action, by } });

const state = async (): Promise<unknown> => (await engine.kube(AGENT)).body;

async function install(): Promise<void> {
  expect((await order('install')).status).toBe(201);
  await until(async () => (at(await state(), 'installed') === undefined ? undefined : true), 'installed');
}

async function newShell(session: string): Promise<TestShell> {
  const shell = await engine.shell(session);
  await shell.waitFor(/[$#] $/);
  return shell;
}

describe.skipIf(isElsewhere)('Claude Code on one machine (only where the PATH has none)', () => {
  it.skipIf(kind === 'none')('is installed for isolated sandboxes, running ones too, to read', async () => {
    await start('auto');
    expect(await state()).toEqual({ wanted: '9.9.9', consent: { needed: false } });
    const first = await newShell('first');
    await first.waitFor(/Claude Code is not installed here/);
    await install();
    expect(await state()).toMatchObject({ installed: { version: '9.9.9' } });
    first.type('claude; touch "$FULLSTACKAGENT_TOOLS_DIR/x" || echo closed-$?');
    await first.waitFor(/the agent has key-of-blog[^]*closed-1/);
    await order('remove');
    first.type('hash -r; command claude || echo gone-$?');
    await first.waitFor(/gone-127/);
    expect((await order('allow')).status).toBe(400);
  });

  it('starts by itself without isolation once a person has said so, and not after they took it back', async () => {
    await start('none');
    await install();
    const first = await newShell('first');
    await first.waitFor(/sandboxes are not isolated here/);
    expect((await order('allow')).body).toMatchObject({ consent: { needed: true, given: { by } } });
    await (await newShell('second')).waitFor(/the agent has key-of-blog/);
    first.type('claude');
    await first.waitFor(/the agent has key-of-blog/);
    await order('revoke');
    expect(await state()).toMatchObject({ consent: { needed: true } });
    first.type('claude');
    await first.waitFor(/Run it this once\? \[y\/N\] $/);
    first.type('');
    const history = await readFile(join(engine.home, 'agent-consent.json.history'), 'utf8');
    expect(history).toMatch(/"given"[^]*"revoked"/);
  });

  it('says what npm said where it cannot be installed, and forgets it at the next try', async () => {
    // The second time it goes on until it is cancelled.
    const tried = join(root, 'tried');
    const fails = `touch ${tried}; echo "no such instruction" >&2; exit 1`;
    await start('none', `[ ! -e ${tried} ] || exec sleep 600; ${fails}`);
    await order('install');
    const failed = await until(async () => at(await state(), 'failure'), 'it failed');
    expect(text(failed, 'message')).toBe('It does not run on this machine. no such instruction');
    await order('install');
    await order('cancel');
    const after = await state();
    expect(at(after, 'failure')).toBeUndefined();
    expect(at(after, 'installing')).toBeUndefined();
  });

  it('takes no orders that it does not know, and from nobody without the token', async () => {
    await start('none');
    for (const body of [{ action: 'format', by }, { action: 'install' }, { action: 'install', by: 'ada' }])
      expect((await engine.kube(AGENT, { method: 'POST', body })).status).toBe(400);
    expect(
      (await engine.kube(AGENT, { method: 'POST', token: 'guess', body: { action: 'allow', by } })).status,
    ).toBe(401);
    expect((await engine.kube(AGENT, { method: 'DELETE' })).status).toBe(405);
    expect((await engine.kube('/api/v1/nodes/other/agent')).status).toBe(404);
  });
});
