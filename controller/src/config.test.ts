import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, `${'ab'.repeat(32)}\n`);
const shortKey = join(folder, 'short');
writeFileSync(shortKey, 'abcd');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const enough = {
  PATH: '/bin',
  CONTROLLER_PORT: '4000',
  GITOPS_REPOSITORY: '/repo',
  CONTROLLER_TOKEN_KEY_FILE: keyFile,
};

test('the least that is needed; an empty variable is an unset one', () => {
  expect(readConfig({ ...enough, KUBECONFIG: '', APPS_PORT: '' })).toEqual({
    port: 4000,
    repository: '/repo',
    tokenKey: Buffer.alloc(32, 0xab),
    cluster: 'engine',
    delivery: 'auto',
    logLevel: 'info',
    observeIntervalMs: 3000,
    searchPath: '/bin',
  });
});

test('everything', () => {
  const all = {
    KUBECONFIG: '/k',
    CLUSTER: 'kubernetes',
    APPS_PORT: '8080',
    PLATFORM_SEED_FILE: '/p',
    OBSERVE_INTERVAL_MS: '500',
  };
  expect(readConfig({ ...enough, ...all })).toMatchObject({
    kubeconfig: '/k',
    cluster: 'kubernetes',
    appsPort: 8080,
    platformSeedFile: '/p',
    observeIntervalMs: 500,
  });
});

test.each([
  ['CONTROLLER_PORT', '70000'],
  ['CONTROLLER_PORT', 'http'],
  ['CONTROLLER_PORT', ''],
  ['GITOPS_REPOSITORY', ''],
  ['CLUSTER', 'minikube'],
  ['DELIVERY', 'helm'],
  ['LOG_LEVEL', 'loud'],
  ['OBSERVE_INTERVAL_MS', '0'],
  ['CONTROLLER_TOKEN_KEY_FILE', '/nowhere/key'],
  ['CONTROLLER_TOKEN_KEY_FILE', shortKey],
])('%s=%j is refused in one line that names it', (name, value) => {
  expect(() => readConfig({ ...enough, [name]: value })).toThrow(new RegExp(`^${name}[^\\n]*$`));
});

test('a key that is no key is not shown', () => {
  expect(() => readConfig({ ...enough, CONTROLLER_TOKEN_KEY_FILE: shortKey })).not.toThrow(/abcd/);
});

test('a webhook of Argo CD: all of it or nothing', () => {
  const secretFile = join(folder, 'webhook');
  writeFileSync(secretFile, 'shared\n');
  const webhook = {
    ARGOCD_WEBHOOKS: 'https://argocd.example.com/api/webhook, http://appsets.argocd:7000/api/webhook',
    ARGOCD_WEBHOOK_SECRET_FILE: secretFile,
    GITOPS_URL: 'https://portal.example.com/gitops.git',
  };
  expect(readConfig({ ...enough, ...webhook }).argocdWebhook).toEqual({
    urls: ['https://argocd.example.com/api/webhook', 'http://appsets.argocd:7000/api/webhook'],
    secret: 'shared',
    repository: 'https://portal.example.com/gitops.git',
  });
  for (const name of ['ARGOCD_WEBHOOK_SECRET_FILE', 'GITOPS_URL'])
    expect(() => readConfig({ ...enough, ...webhook, [name]: '' })).toThrow(name);
  expect(() => readConfig({ ...enough, ...webhook, ARGOCD_WEBHOOKS: 'argocd' })).toThrow('ARGOCD_WEBHOOKS');
});

describe('a remote', () => {
  const tokenFile = keyFile;
  const refused = (more: NodeJS.ProcessEnv): string => {
    try {
      readConfig({ ...enough, ...more });
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return 'It was taken.';
  };

  test('on GitHub: everything else is known', () => {
    const env = { GITOPS_REMOTE: 'https://github.com/team/gitops.git', GITOPS_REMOTE_TOKEN_FILE: tokenFile };
    expect(readConfig({ ...enough, ...env }).remote).toEqual({
      address: { url: env.GITOPS_REMOTE, user: 'x-access-token', tokenFile },
      acknowledge: 'local',
      lookEveryMs: 60_000,
      pushesPerMinute: 6,
      alwaysPropose: false,
      pullRequests: { api: 'https://api.github.com', owner: 'team', repository: 'gitops', tokenFile },
    });
  });

  test('over ssh, with an API of its own', () => {
    const env = {
      GITOPS_REMOTE: 'git@git.example.com:team/gitops.git',
      GITOPS_REMOTE_SSH_KEY_FILE: '/k',
      GITOPS_REMOTE_KNOWN_HOSTS_FILE: '/h',
      GITOPS_REMOTE_TOKEN_FILE: tokenFile,
      GITOPS_REMOTE_API: 'https://git.example.com/api/v3',
      GITOPS_REMOTE_MAIN: 'pull-request',
      ACK: 'replicated',
    };
    expect(readConfig({ ...enough, ...env }).remote).toMatchObject({
      address: { ssh: { keyFile: '/k', knownHostsFile: '/h' } },
      acknowledge: 'replicated',
      pushesPerMinute: 60,
      alwaysPropose: true,
      pullRequests: { owner: 'team', repository: 'gitops' },
    });
  });

  test.each([
    [{ GITOPS_REMOTE: 'https://me:secret@github.com/a/b' }, 'GITOPS_REMOTE_TOKEN_FILE are for them'],
    [{ GITOPS_REMOTE: 'https://me@github.com/a/b' }, 'leave the name'],
    [{ GITOPS_REMOTE: '--upload-pack=x' }, 'no address'],
    [{ GITOPS_REMOTE: 'ext::sh -c x' }, 'no address'],
    [{ GITOPS_REMOTE: 'ext::x' }, 'the absolute path of a folder is needed'],
    [{ GITOPS_REMOTE: 'file:///x' }, 'the absolute path of a folder is needed'],
    [{ GITOPS_REMOTE: 'https://h/x?y' }, 'no ?'],
    [{ GITOPS_REMOTE: '/x', GITOPS_REMOTE_USER: "a'b" }, 'GITOPS_REMOTE_USER'],
    [{ GITOPS_REMOTE: '/x', GITOPS_REMOTE_SSH_KEY_FILE: '/k' }, 'GITOPS_REMOTE_KNOWN_HOSTS_FILE'],
    [{ GITOPS_REMOTE: '/x', GITOPS_REMOTE_MAIN: 'pull-request' }, 'GITOPS_REMOTE_API'],
    [{ GITOPS_REMOTE_WEBHOOK_SECRET_FILE: shortKey }, 'less than 16'],
    [{ ACK: 'replicated' }, 'needs GITOPS_REMOTE'],
  ])('%j is refused in a line that says why, without a password', (more, why) => {
    expect(refused(more)).toContain(why);
    expect(refused(more)).not.toContain('secret');
  });
});
