import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { renderProject } from './render.js';
import { exampleNames, renderExample, writeManifests } from './synth.js';
import { examplePlatform, exampleProject, TOUGH_TEXT } from './testing/arbitrary-documents.js';

/** Flux builds each folder with kustomize, whose YAML is Go's: another reader than ours. */
const present = spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0;

interface Built {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

describe('kustomize, as Flux runs it', () => {
  beforeEach((test) => test.skip(!present, 'there is no kubectl, whose kustomize builds the folders'));
  const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function build(manifests: ReadonlyMap<string, string>): readonly Built[] {
    writeManifests(folder, manifests);
    const list = [...manifests.keys()].map((file) => `- ${file}\n`).join('');
    writeFileSync(join(folder, 'kustomization.yaml'), `resources:\n${list}`);
    return loadAll(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' })) as Built[];
  }

  // A folder without files is none, and has no kustomization.
  const rendered = exampleNames().filter((name) => renderExample(name).size > 0);

  it.each(rendered)('reads every object of example %s', (name) => {
    const manifests = renderExample(name);
    const files = build(manifests).map(({ kind, metadata }) => `${kind.toLowerCase()}-${metadata.name}.yaml`);
    expect(files.sort()).toEqual([...manifests.keys()]);
  });

  it('passes every value on as it is', () => {
    const env = TOUGH_TEXT.map((value, index) => ({ name: `V${index}`, value }));
    const objects = build(
      renderProject({ platform: examplePlatform, project: exampleProject({ env }), intent: 'x' }),
    );
    const data = objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
    expect(env.map(({ name }) => data[name])).toEqual(TOUGH_TEXT);
  });
});
