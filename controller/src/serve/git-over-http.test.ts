import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectPath, tenantPath } from '@fullstackagent/charts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ControllerForTests, NAMESPACE, people, tokenOf, type Person } from '../api/controller-for-tests.js';
import type { ProjectDto } from '../contract/projects.js';
import { GitClient } from './git-client-for-tests.js';
import { asPerson, startSigningGateway, type SigningGateway } from './signing-gateway-for-tests.js';

/** Stock git against the whole controller. What the portal adds (access tokens) is tested there. */

let controller: ControllerForTests;
let gateway: SigningGateway;
let folder: string;
let count = 0;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  gateway = await startSigningGateway(
    () => controller.port,
    async (person) => `Bearer ${await tokenOf(person as Person)}`,
  );
});
afterAll(async () => {
  gateway.stop();
  await controller.stop();
});
beforeEach(async () => {
  folder = await mkdtemp(join(controller.folder, 'clones-'));
});

const address = (): string => `http://127.0.0.1:${gateway.port}/gitops.git`;
const headers = (person: Person) => (): Promise<readonly string[]> => Promise.resolve([asPerson(person)]);

/** Somebody's clone. git has no permissions by path: only the operator can have made it. */
async function cloneFor(person: Person, ...options: readonly string[]): Promise<GitClient> {
  const name = `${person}-${(count += 1)}`;
  await new GitClient(folder, headers('operator')).must('clone', '--quiet', ...options, address(), name);
  return new GitClient(join(folder, name), headers(person));
}

/** In the repository itself. */
const inRepository = (...args: readonly string[]): string =>
  execFileSync('git', ['--git-dir', join(controller.folder, 'gitops.git'), ...args], {
    encoding: 'utf8',
  }).trim();

/** Of these objects, the ones that the repository does not have. */
const missing = (ids: string): string =>
  execFileSync('git', ['--git-dir', join(controller.folder, 'gitops.git'), 'cat-file', '--batch-check'], {
    encoding: 'utf8',
    input: ids,
  })
    .split('\n')
    .filter((line) => line.endsWith(' missing'))
    .join('\n');

async function newProject(): Promise<{ name: string; path: string; dto: ProjectDto }> {
  count += 1;
  const dto = await controller.createProject({ name: `Project ${count}` });
  const name = `project-${count}`;
  return { name, path: projectPath(NAMESPACE, name), dto };
}

const lines = (edit: Record<string, string>) => (text: string) =>
  Object.entries(edit).reduce((all, [from, to]) => all.replace(new RegExp(from, 'm'), to), text);

/** A release that only differs from a right one in what is given. */
function released(changes: Record<string, string>): Record<string, string> {
  const release = {
    image: `registry.example.com/x@sha256:${'1'.repeat(64)}`,
    replicas: '1',
    host: 'zzzzzzzzzzzz',
    env: '[]',
    preset: 'small',
    ...changes,
  };
  const fields = Object.entries(release).map(([name, value]) => `\n    ${name}: ${value}`);
  return { '^  env: \\[\\]$': `  env: []\n  release:${fields.join('')}` };
}

describe('a clone', () => {
  it('has main and rendered, and nothing that is the platform’s own', async () => {
    const { path } = await newProject();
    inRepository('update-ref', 'refs/proposals/1', 'refs/heads/main');
    const clone = await cloneFor('operator');
    expect(await clone.read(path)).toContain('kind: Project');
    const refs = (await clone.must('ls-remote')).split('\n').map((line) => line.split('\t')[1]);
    expect(refs).toEqual(['HEAD', 'refs/heads/main', 'refs/heads/rendered']);
  });

  it('can be shallow, be fetched into, and be pushed from', async () => {
    const { path } = await newProject();
    const clone = await cloneFor('owner', '--depth', '1');
    const operator = new GitClient(clone.folder, headers('operator'));
    await newProject();
    await operator.must('fetch', '--quiet');
    await operator.must('merge', '--quiet', '--ff-only', 'origin/main');
    await clone.commit(path, lines({ 'displayName: .*': 'displayName: From a shallow clone' }));
    expect((await clone.push()).shown).toMatch(/remote: Merged as [0-9a-f]{40}/);
  });

  it.each(['owner', 'stranger'] as const)('is refused to a %s, with the reason', async (person) => {
    const { code, shown } = await new GitClient(folder, headers(person)).git('clone', address(), 'no');
    expect(code).not.toBe(0);
    expect(shown).toContain('remote: Only operators of the installation can clone and fetch');
    expect(shown).toContain('403');
  });

  it.each([
    ['GET', '/HEAD', 404],
    ['GET', '/objects/info/packs', 404],
    ['GET', '/info/refs', 403],
    ['GET', '/info/refs?service=git-upload-archive', 404],
    ['GET', '/info/refs?service=git-upload-pack&x=1', 404],
    ['GET', '/../../etc/passwd', 404],
    ['POST', '/info/refs?service=git-upload-pack', 405],
    ['GET', '/git-upload-pack', 405],
  ])('of the dumb protocol, or anything else: %s %s is %i', async (method, path, status) => {
    const answer = await controller.call(method, `/gitops.git${path}`, { as: 'operator' });
    expect(answer.status).toBe(status);
    if (!path.includes('..')) expect(answer.headers.get('content-type')).toContain('text/plain');
  });

  it('needs somebody', async () => {
    expect((await controller.call('GET', '/gitops.git/info/refs?service=git-upload-pack')).status).toBe(401);
  });
});

describe('a push that is right', () => {
  it('is merged by the writer in the name of who pushed it', async () => {
    const { name, path, dto } = await newProject();
    const clone = await cloneFor('maintainer');
    const before = inRepository('rev-parse', 'main');
    const pushed = await clone.commit(path, lines({ 'displayName: .*': 'displayName: Pushed' }));
    const { code, shown } = await clone.push();
    const [, merged = ''] = /remote: Merged as ([0-9a-f]{40})/.exec(shown) ?? [];
    expect(code).toBe(0);
    expect(inRepository('rev-parse', 'main', 'main^1', 'main^2').split('\n')).toEqual([
      merged,
      before,
      pushed,
    ]);
    expect(inRepository('log', '-1', '--format=%ae%n%B', 'main').split('\n')).toEqual([
      `${people.maintainer}@users.fullstackagent.dev`,
      `Merge 1 commit pushed as ${pushed.slice(0, 12)}`,
      '',
      'Action: push',
      `Project: ${NAMESPACE}/${name}`,
      expect.stringMatching(/^Request-Id: /),
    ]);
    const project = await controller.call('GET', `/v1/tenants/${NAMESPACE}/projects/${name}`, {
      as: 'viewer',
    });
    expect(project.json).toMatchObject({ displayName: 'Pushed' });
    expect(project.json['version']).not.toBe(dto.version);
    expect(inRepository('fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('says so where main has it all already', async () => {
    const { path } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, lines({ 'displayName: .*': 'displayName: Once' }));
    expect((await clone.push()).code).toBe(0);
    const before = inRepository('rev-parse', 'main');
    const again = await clone.push();
    expect(again.shown).toContain('remote: main has all of these commits already.');
    expect(again.code).toBe(0);
    expect(inRepository('rev-parse', 'main')).toBe(before);
  });

  it('from an old main is merged field by field', async () => {
    const { name, path, dto } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, lines({ 'displayName: .*': 'displayName: Theirs' }));
    const patch = await controller.call('PATCH', `/v1/tenants/${NAMESPACE}/projects/${name}`, {
      as: 'owner',
      body: { description: 'Ours', version: dto.version },
    });
    expect(patch.status).toBeLessThan(300);
    expect((await clone.push()).shown).toContain('remote: Merged as');
    const document = inRepository('show', `main:${path}`);
    expect(document).toContain('displayName: Theirs');
    expect(document).toContain('description: Ours');
  });

  it('that was refused is right after a fetch and a merge that decides', async () => {
    const { name, path, dto } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, lines({ 'displayName: .*': 'displayName: Theirs' }));
    await controller.call('PATCH', `/v1/tenants/${NAMESPACE}/projects/${name}`, {
      as: 'owner',
      body: { displayName: 'Ours', version: dto.version },
    });
    expect((await clone.push()).code).toBe(1);
    await new GitClient(clone.folder, headers('operator')).must('fetch', '--quiet');
    await clone.must('merge', '--quiet', '--strategy-option', 'ours', 'origin/main');
    expect((await clone.push()).shown).toContain('remote: Merged as');
    expect(inRepository('show', `main:${path}`)).toContain('displayName: Theirs');
  });

  it('mends a document that somebody broke past this way', async () => {
    const { name, path } = await newProject();
    const good = inRepository('show', `main:${path}`);
    await controller.push(path, () => 'kind: [');
    const clone = await cloneFor('maintainer');
    const project = `/v1/tenants/${NAMESPACE}/projects/${name}`;
    await expect
      .poll(async () => (await controller.call('GET', project, { as: 'viewer' })).json['status'])
      .toBe('ERROR');
    await clone.commit(path, () => good.replace(/displayName: .*/, 'displayName: Mended'));
    expect((await clone.push()).shown).toContain('remote: Merged as');
    const { json } = await controller.call('GET', project, { as: 'viewer' });
    expect(json).toMatchObject({ displayName: 'Mended' });
    expect(json['status']).not.toBe('ERROR');
  });

  it('is merged beside another one at the same time', async () => {
    const [one, two] = [await newProject(), await newProject()];
    const clones = await Promise.all([cloneFor('owner'), cloneFor('maintainer')]);
    await clones[0].commit(one.path, lines({ 'displayName: .*': 'displayName: Both' }));
    await clones[1].commit(two.path, lines({ 'displayName: .*': 'displayName: Both' }));
    const outcomes = await Promise.all(clones.map((clone) => clone.push()));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    for (const { path } of [one, two])
      expect(inRepository('show', `main:${path}`)).toContain('displayName: Both');
  });

  it('may bring what an operator looks after: members, the README, a new namespace', async () => {
    const clone = await cloneFor('operator');
    await clone.commit('README.md', () => '# Ours\n');
    await clone.commit(tenantPath(NAMESPACE), lines({ 'displayName: .*': 'displayName: Renamed' }));
    await clone.commit(tenantPath('ns-newnew12'), () =>
      [
        'apiVersion: fullstackagent.dev/v1alpha1',
        'kind: Tenant',
        'metadata: {name: ns-newnew12}',
        `spec: {displayName: New, members: [{user: ${people.stranger}, role: owner}]}`,
        '',
      ].join('\n'),
    );
    expect((await clone.push()).shown).toContain('remote: Merged as');
    expect(inRepository('show', 'main:README.md')).toBe('# Ours');
    expect(inRepository('log', '-1', '--format=%s', 'main')).toMatch(/^Merge 3 commits pushed as/);
  });
});

/** Pushes, and sees that it was refused and left nothing: no commit, no object. */
async function refusal(client: GitClient, ...refspecs: readonly string[]): Promise<string> {
  const tip = inRepository('rev-parse', 'main');
  const ids = await client.must('rev-list', '--objects', '--no-object-names', 'HEAD', '^origin/main');
  const unknown = missing(ids);
  expect(unknown).toContain(await client.must('rev-parse', 'HEAD'));
  const { code, shown } = await (refspecs.length === 0
    ? client.push()
    : client.git('push', 'origin', ...refspecs));
  expect(code).not.toBe(0);
  expect(inRepository('rev-parse', 'main')).toBe(tip);
  expect(missing(ids)).toBe(unknown);
  expect(await readdir(join(controller.folder, 'gitops.git', 'objects'))).not.toContainEqual(
    expect.stringMatching(/^tmp_/),
  );
  return shown;
}

describe('a push is refused, and leaves no object,', () => {
  it.each([
    ['HEAD:refs/heads/main'],
    ['HEAD:refs/heads/rendered'],
    ['HEAD:refs/heads/mine'],
    ['HEAD:refs/for/other'],
    ['HEAD:refs/tags/v1'],
    [':refs/for/main'],
  ])('to anywhere else: %s', async (refspec) => {
    const clone = await cloneFor('operator');
    await clone.commit('README.md', () => `# ${refspec}\n`);
    const shown = await refusal(clone, '--force', refspec);
    expect(shown).toContain('remote: Push to refs/for/main: git push origin HEAD:refs/for/main');
  });

  it('where one of several goes elsewhere', async () => {
    const clone = await cloneFor('operator');
    await clone.commit('README.md', () => '# two\n');
    expect(await refusal(clone, 'HEAD:refs/for/main', 'HEAD:refs/tags/v2')).toContain(
      'remote: refs/tags/v2 cannot be pushed to.',
    );
  });

  it.each([
    ['viewer', 'project', 'only owners and maintainers of'],
    ['stranger', 'project', 'only owners and maintainers of'],
    ['operator', 'project', 'only owners and maintainers of'],
    ['maintainer', 'tenant', 'only owners of'],
    ['owner', 'platform', 'only operators of the installation'],
    ['owner', 'README.md', 'only operators change files'],
  ] as const)('by a %s who may not change the %s', async (person, kind, reason) => {
    const project = await newProject();
    const path = {
      project: project.path,
      tenant: tenantPath(NAMESPACE),
      platform: 'platform.yaml',
      'README.md': 'README.md',
    }[kind];
    const clone = await cloneFor(person);
    await clone.commit(path, (before) => `${before}\n# by hand\n`);
    expect(await refusal(clone)).toContain(`remote: ${path}: ${reason}`);
  });

  it.each([
    ['an unknown field', { '^spec:': 'spec:\n  colour: red' }, 'spec.colour: There is no such field.'],
    ['another namespace', { 'namespace: .*': 'namespace: ns-other123' }, 'metadata: The path says'],
    ['another host', { 'host: .*': 'host: abcdefghijkl' }, 'spec.host: it is drawn once'],
    [
      'an alias',
      { 'displayName: .*': 'displayName: &a x\n  description: *a' },
      'This is not a YAML document',
    ],
    [
      'a purge',
      { 'state: .*': 'state: Deleted\n  deletedAt: 2026-11-23T08:00:00Z\n  purge: Remove' },
      'spec.',
    ],
    [
      'an image of its own',
      { 'image: .*': 'image: evil:1' },
      'spec.sandbox.image: the platform does not offer it',
    ],
    [
      'a release from elsewhere',
      released({ image: `evil.example/x@sha256:${'1'.repeat(64)}` }),
      'spec.release.image: images may come from',
    ],
    [
      "a release of another project's workspace",
      released({ image: `snapshot.local/${NAMESPACE}/other@sha256:${'1'.repeat(64)}` }),
      'spec.release.image: this is a snapshot of another project.',
    ],
    [
      'a release by a tag',
      released({ image: 'registry.example.com/x:1' }),
      'spec.release.image: An image is',
    ],
    ['a release of no size', released({ preset: 'huge' }), 'spec.release.preset: the platform does not'],
  ])('with %s in a document', async (_what, edit, reason) => {
    const { path } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, lines(edit));
    expect(await refusal(clone)).toContain(`remote: ${path}: ${reason}`);
  });

  it('with the address of another project', async () => {
    const { path, name } = await newProject();
    const clone = await cloneFor('owner');
    const text = await clone.read(path);
    await clone.commit(projectPath(NAMESPACE, 'copied'), () => text.replace(`name: ${name}`, 'name: copied'));
    expect(await refusal(clone)).toContain('spec.host: another project has this one.');
  });

  it('with a release at the address of another project', async () => {
    const { path: other } = await newProject();
    const { path } = await newProject();
    const clone = await cloneFor('owner');
    const host = /^ {2}host: (.*)$/m.exec(await clone.read(other))?.[1] ?? '';
    await clone.commit(path, lines(released({ host })));
    expect(await refusal(clone)).toContain('spec.release.host: another project has this one.');
  });

  it('without a document that was there', async () => {
    const { path } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, () => null);
    expect(await refusal(clone)).toContain('Set state: Deleted and deletedAt');
  });

  it('where both changed the same field', async () => {
    const { name, path, dto } = await newProject();
    const clone = await cloneFor('owner');
    await clone.commit(path, lines({ 'displayName: .*': 'displayName: Theirs' }));
    await controller.call('PATCH', `/v1/tenants/${NAMESPACE}/projects/${name}`, {
      as: 'owner',
      body: { displayName: 'Ours', version: dto.version },
    });
    expect(await refusal(clone)).toContain(
      `remote: ${path}: spec.displayName: changed on main meanwhile, in another way. Fetch, merge and push again.`,
    );
  });

  it('with a link, something executable or something that is no text', async () => {
    const clone = await cloneFor('operator');
    await symlink('/etc/passwd', join(clone.folder, 'link'));
    await clone.commit('README.md', () => '# link\n');
    expect(await refusal(clone)).toContain('link: only plain files are taken');
    await rm(join(clone.folder, 'link'));
    await clone.commit('run.sh', () => '#!/bin/sh\n');
    await chmod(join(clone.folder, 'run.sh'), 0o755);
    await clone.must('commit', '--quiet', '--all', '--message', 'Executable');
    expect(await refusal(clone)).toContain('run.sh: only plain files are taken');
    await rm(join(clone.folder, 'run.sh'));
    await clone.commit('blob.bin', () => Buffer.from([0xff, 0xfe, 0x00]));
    expect(await refusal(clone)).toContain('blob.bin: this is not a text in UTF-8.');
  });

  it('where it is too large, too many or too long', async () => {
    const clone = await cloneFor('operator');
    await clone.commit('large.txt', () => 'x'.repeat(3 * 1024 * 1024));
    expect(await refusal(clone)).toContain('One of the pushed files has more than 2 MiB.');
    for (const [files, line] of [
      [501, 'More than 500 files are changed by one push.'],
      [5_001, 'More than 5000 objects in one push. Push less at a time.'],
    ] as const) {
      await clone.must('reset', '--quiet', '--hard', 'origin/main');
      await mkdir(join(clone.folder, 'many'));
      for (let at = 0; at < files; at++) await writeFile(join(clone.folder, 'many', `${at}`), `${at}\n`);
      await clone.commit('README.md', () => `# ${files}\n`);
      expect(await refusal(clone)).toContain(line);
    }
    await clone.must('reset', '--quiet', '--hard', 'origin/main');
    for (let at = 0; at < 101; at++)
      await clone.must('commit', '--quiet', '--allow-empty', '--message', `${at}`);
    expect(await refusal(clone)).toContain('101 commits in one push; at most 100 are taken.');
  });

  it('where a merge takes back what somebody else did', async () => {
    const clone = await cloneFor('owner');
    const operators = await cloneFor('operator');
    await operators.commit('README.md', () => `# ${count}\n`);
    expect((await operators.push()).code).toBe(0);
    const { path } = await newProject();
    await new GitClient(clone.folder, headers('operator')).must('fetch', '--quiet');
    await clone.commit('README.md', (before) => `${before}\nmine\n`);
    await clone.must('merge', '--quiet', '--strategy', 'ours', 'origin/main');
    const shown = await refusal(clone);
    expect(shown).toContain('remote: README.md: only operators change files');
    expect(shown).toContain(`remote: ${path}: a project is not deleted by removing its document.`);
  });

  it('with a history of its own', async () => {
    const clone = await cloneFor('operator');
    await clone.must('checkout', '--quiet', '--orphan', 'other');
    await clone.commit('README.md', () => '# other\n');
    expect(await refusal(clone)).toContain('These commits do not begin with main.');
  });
});
