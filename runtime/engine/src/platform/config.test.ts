import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from './config.js';
import { openHome } from './home.js';
import { controllerProgram, engineProgram, portalProgram, type Place } from './programs.js';

const read = (env: NodeJS.ProcessEnv): ReturnType<typeof readConfig> => readConfig('/repo', env);

const REMOTE_CONFIG = join(import.meta.dirname, '../../../../controller/src/remote-config.ts');
const PORTS = { portal: 1, ingress: 2, engine: 3, controller: 4, database: 5 };

async function placeOf(config: Place['config']): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'fsa-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { config, home: await openHome(folder), ports: PORTS };
}

describe('the environment', () => {
  it('may be empty', () => {
    expect(read({})).toMatchObject({
      home: '/repo/.fullstack-agent',
      host: '127.0.0.1',
      port: undefined,
      ingressPort: undefined,
      databaseUrl: undefined,
      cluster: { kind: 'engine' },
      logLevel: 'info',
    });
  });

  it('takes a home relative to the repository, and an absolute one as it is', () => {
    expect(read({ FULLSTACK_AGENT_HOME: 'data' }).home).toBe('/repo/data');
    expect(read({ FULLSTACK_AGENT_HOME: '/srv/data' }).home).toBe('/srv/data');
  });

  it('hands on where a proxy says who asks, and nothing where none is named', () => {
    expect(read({}).proxy).toEqual({});
    const proxy = { ADDRESS_HEADER: 'X-Forwarded-For', XFF_DEPTH: '2' };
    expect(read(proxy).proxy).toEqual(proxy);
  });

  it('hands on what is about a remote to the controller alone, and the token of readers to the portal', async () => {
    const config = read({
      GITOPS_REMOTE: 'git@example.com:ada/gitops.git',
      GITOPS_REMOTE_SSH_KEY_FILE: '/keys/deploy',
      GITOPS_REMOTE_KNOWN_HOSTS_FILE: 'known-hosts',
      GITOPS_REMOTE_MAIN: '',
      GITOPS_REMOTE_FETCH_SECONDS: '5',
      GITOPS_REMOTE_UNKNOWN: 'x',
      ACK: 'replicated',
      GITOPS_READ_TOKEN_FILE: 'read-token',
      TERMINAL_SHARES: 'accounts',
    });
    const remote = {
      GITOPS_REMOTE: 'git@example.com:ada/gitops.git',
      GITOPS_REMOTE_SSH_KEY_FILE: '/keys/deploy',
      GITOPS_REMOTE_KNOWN_HOSTS_FILE: '/repo/known-hosts',
      GITOPS_REMOTE_FETCH_SECONDS: '5',
      ACK: 'replicated',
    };
    const readers = { GITOPS_READ_TOKEN_FILE: '/repo/read-token', TERMINAL_SHARES: 'accounts' };
    expect(config.remote).toEqual(remote);
    expect(config.readers).toEqual(readers);
    const place = await placeOf(config);
    expect(controllerProgram(place).env).toMatchObject(remote);
    expect(controllerProgram(place).env).not.toHaveProperty('GITOPS_READ_TOKEN_FILE');
    expect(portalProgram(place, 'postgres://db/x').env).toMatchObject(readers);
    for (const { env } of [engineProgram(place), portalProgram(place, 'postgres://db/x')])
      for (const name of Object.keys(remote)) expect(env).not.toHaveProperty(name);
  });

  it('hands on every variable that the controller reads about a remote, and nothing where none is given', async () => {
    expect(read({})).toMatchObject({ remote: {}, readers: {} });
    const names = [...(await readFile(REMOTE_CONFIG, 'utf8')).matchAll(/^ {2}([A-Z_]+): /gm)];
    const all = Object.fromEntries(names.map(([, name = '']) => [name, '/1']));
    expect(Object.keys(all)).toContain('GITOPS_REMOTE');
    expect(read(all).remote).toEqual(all);
  });

  it('counts an empty variable as unset', () => {
    expect(read({ PORT: '', DATABASE_URL: '', CLUSTER: '' })).toMatchObject({ port: undefined });
  });

  it.each([
    [{ PORT: 'http' }, /^PORT is not right: a port is a number/],
    [{ PORT: '0' }, /^PORT is not right/],
    [{ PORT: '70000' }, /^PORT is not right/],
    [{ PORT: '3000; rm -rf /' }, /^PORT is not right/],
    [{ INGRESS_PORT: '-1' }, /^INGRESS_PORT is not right/],
    [{ CLUSTER: 'docker' }, /^CLUSTER is not right: it is "engine" or "kubernetes"/],
    [{ DATABASE_URL: 'mysql://x' }, /^DATABASE_URL is not right/],
    [{ ORIGIN: 'javascript:alert(1)' }, /^ORIGIN is not right/],
    [{ ADDRESS_HEADER: 'X Forwarded' }, /^ADDRESS_HEADER is not right/],
    [{ XFF_DEPTH: '0' }, /^XFF_DEPTH is not right/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL is not right/],
    [{ CLUSTER: 'kubernetes', DATABASE_URL: 'postgres://db/x' }, /^CLUSTER=kubernetes needs KUBECONFIG/],
    [{ CLUSTER: 'kubernetes', KUBECONFIG: '/k' }, /^CLUSTER=kubernetes needs DATABASE_URL/],
  ])('%j stops the start with one line', (env, message) => {
    expect(() => read(env)).toThrow(message);
    expect(() => read(env)).toThrow(/^[^\n]*$/);
  });

  it('never repeats a wrong value: it may be a password in the wrong place', () => {
    expect(() => read({ DATABASE_URL: 'hunter2' })).toThrow(/^(?!.*hunter2)/);
  });

  it('reads a cluster', () => {
    const env = { CLUSTER: 'kubernetes', KUBECONFIG: 'kube/config', DATABASE_URL: 'postgres://db/x' };
    expect(read(env).cluster).toEqual({
      kind: 'kubernetes',
      kubeconfig: '/repo/kube/config',
      seedFile: undefined,
    });
  });

  it('gives children a short list and nothing else', () => {
    const config = read({
      PATH: '/srv/app/node_modules/.bin:/usr/bin:/x/node-gyp-bin:/bin',
      HOME: '/home/ada',
      LANG: 'de_DE.UTF-8',
      AWS_SECRET_ACCESS_KEY: 'secret',
      DATABASE_URL: 'postgres://db/x',
      NODE_OPTIONS: '--inspect',
      npm_config_registry: 'https://example.com',
    });
    expect(config.childEnvironment).toEqual({
      PATH: '/usr/bin:/bin',
      HOME: '/home/ada',
      LANG: 'de_DE.UTF-8',
      NODE_ENV: 'production',
    });
  });
});
