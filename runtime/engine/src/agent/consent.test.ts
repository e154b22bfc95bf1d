import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentConsent } from './consent.js';

const ada = { id: 'u1a2b3c4d5e6', name: 'ada' };
const now = (): Date => new Date('2026-11-28T12:00:00Z');
let root: string;
let file: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-consent-'));
  file = join(root, 'agent-consent.json');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const open = (as: 'root' | 'user' = 'user'): Promise<AgentConsent> => AgentConsent.open({ file, as, now });
const isThere = (): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
const history = async (): Promise<unknown[]> =>
  (await readFile(`${file}.history`, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('consent to agents without isolation', () => {
  it('is not there before somebody gave it', async () => {
    expect((await open()).given).toBeUndefined();
    expect(await isThere()).toBe(false);
  });

  it('stands from one start to the next, with who gave it and when', async () => {
    await (await open()).give(ada);
    expect(await isThere()).toBe(true);
    expect((await open()).given).toEqual({ at: '2026-11-28T12:00:00.000Z', by: ada, as: 'user' });
  });

  it('can be taken back, and what was decided stays written', async () => {
    const consent = await open();
    await consent.give(ada);
    await consent.revoke({ ...ada, name: 'Ada' });
    expect(consent.given).toBeUndefined();
    expect(await isThere()).toBe(false);
    expect(await history()).toEqual([
      expect.objectContaining({ what: 'given', by: ada }),
      expect.objectContaining({ what: 'revoked', by: { ...ada, name: 'Ada' } }),
    ]);
  });

  it('does not hold for root where it was given for a user', async () => {
    await (await open('user')).give(ada);
    expect((await open('root')).given).toBeUndefined();
    expect(await isThere()).toBe(false);
    expect((await open('user')).given).toBeUndefined();
    expect(await history()).toContainEqual(expect.objectContaining({ what: 'lapsed', as: 'root' }));
  });

  it.each(['', '{"at":"x"', '{"by":{"id":"x","name":"y"}}'])(
    'was not given by what cannot be read: %j',
    async (text) => {
      await writeFile(file, text);
      expect((await open()).given).toBeUndefined();
      expect(await isThere()).toBe(false);
    },
  );
});
