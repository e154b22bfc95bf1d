import { describe, expect, it } from 'vitest';
import { readConfig } from './config.js';

const read = (env: NodeJS.ProcessEnv): ReturnType<typeof readConfig> => readConfig('/repo', env);

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
