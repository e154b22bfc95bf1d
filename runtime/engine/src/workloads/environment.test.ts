import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { text } from '../store/object.js';
import { POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { releaseFiles } from '../testing/release-manifests.js';

/** What the engine was started with: nothing of it is anybody's business in a sandbox. */
const OF_THE_PLATFORM = {
  ENGINE_HOME: '/platform-secret/engine',
  CONTROLLER_TOKEN_KEY_FILE: '/platform-secret/key',
  DATABASE_URL: 'postgresql://portal:platform-secret@127.0.0.1/portal',
  GITOPS_REMOTE_TOKEN: 'platform-secret',
  NODE_OPTIONS: '--title=platform-secret',
  npm_config_registry: 'http://platform-secret/',
  KUBECONFIG: '/platform-secret/kubeconfig',
};
const names = (said: string): readonly string[] =>
  [...said.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)=/gm)].map((match) => match[1] ?? '').sort();

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.create();
  for (const [name, value] of Object.entries(OF_THE_PLATFORM)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await engine.remove();
});

const workspace = (): string => join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
const written = (name: string): Promise<string> =>
  until(async () => {
    const content = await readFile(join(workspace(), name), 'utf8').catch(() => '');
    return content.includes('PATH=') ? content : undefined;
  }, `what was written to ${name}`);

it('of a shell, a probe and a release is what the manifest says, and nothing of the platform’s', async () => {
  const livenessProbe = { exec: { command: ['sh', '-c', 'env >probe'] }, periodSeconds: 1 };
  await engine.repository.commit(blogFiles({ env: { GREETING: 'hello' }, livenessProbe }));
  await engine.start();
  await engine.readyPod();
  const shell = await engine.shell();
  // As the kernel was told, and as the shell has it by now.
  shell.type('tr "\\0" "\\n" </proc/$$/environ >begun; env >shell');
  const [begun, now, probe] = await Promise.all(['begun', 'shell', 'probe'].map(written));

  await mkdir(workspace(), { recursive: true });
  await writeFile(join(workspace(), 'app.js'), 'setInterval(() => 0, 1000)');
  const taken = await engine.kube(`${POD}/snapshot`, {
    ...{ method: 'POST', body: { project: 'blog', command: 'env; exec node app.js' } },
  });
  const image = `snapshot.local/${NAMESPACE}/blog@${text(taken.body, 'digest') ?? ''}`;
  await engine.repository.commit({ ...blogFiles(), ...releaseFiles({ image, env: { MODE: 'a' } }) });
  const release = await until(async () => {
    const logs = join(engine.home, 'logs', NAMESPACE);
    const [folder = ''] = await readdir(logs).catch(() => []);
    const said = await readFile(join(logs, folder, 'current.log'), 'utf8').catch(() => '');
    return said.includes('PATH=') ? said.replace(/^\S+ \S+ \S+ /gm, '') : undefined;
  }, 'what the release printed');

  for (const said of [begun, now, probe, release]) expect(said).not.toContain('platform-secret');
  const terminals = ['COLORTERM', 'HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'TERM', 'USER'];
  const manifests = ['PORT', 'PROJECT_NAME'];
  const ours = [...terminals, ...manifests].sort();
  expect(names(begun ?? '').filter((name) => !name.startsWith('FULLSTACKAGENT_'))).toEqual(
    // The version of Claude Code is the platform's, which says so to shells.
    [...ours, 'DISABLE_AUTOUPDATER'].sort(),
  );
  expect(names(probe ?? '')).toEqual(expect.arrayContaining(ours));
  expect(names(now ?? '')).toEqual(expect.arrayContaining([...ours, 'GREETING']));
  expect(names(release)).toEqual(expect.arrayContaining(['HOME', 'MODE', 'NODE_ENV', 'PATH', 'PORT']));
  expect(names(release)).not.toContain('GREETING');
}, 180_000);
