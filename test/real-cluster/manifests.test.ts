import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { ROOT } from '../support/folders.js';
import { until } from '../support/until.js';
import { ApiServer, CRDS, missingForApiServer } from './api-server.js';
import { golden, goldenNames, isTenant, notInstalled } from './golden.js';

const missing = missingForApiServer();
const TEMPLATE = join(ROOT, 'gitops-template');

interface Applied {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly managedFields: unknown };
}

/** Without the version of the store, which the server moves once for some kinds at a second apply of the same. */
const content = (objects: readonly Applied[]): readonly unknown[] =>
  objects.map((object) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '' } }));

describe('what is rendered, on a real API server', () => {
  const server = new ApiServer();

  beforeAll(async () => {
    if (missing !== undefined) return;
    await server.start();
    server.kubectl('apply', '--server-side', '-f', CRDS);
    server.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
    await until('the new kinds are served', () => server.kubectl('api-resources').includes('kustomizations'));
    for (const namespace of ['flux-system', 'argocd']) server.kubectl('create', 'namespace', namespace);
  });

  afterAll(() => server.stop());

  beforeEach((context) => {
    needs(context, 'kubectl');
    context.skip(missing !== undefined, missing);
  });

  /** As Flux and Argo CD do: on the server's side, with unknown fields refused. */
  const apply = (manifests: string, ...more: readonly string[]): readonly Applied[] => {
    const args = [
      'apply',
      '--server-side',
      '--field-manager=applier',
      '--validate=strict',
      '-o',
      'json',
      '--show-managed-fields',
      '-f',
      '-',
    ];
    const answer = JSON.parse(server.kubectlWith(manifests, ...args, ...more)) as
      Applied | { readonly items: readonly Applied[] };
    return 'items' in answer ? answer.items : [answer];
  };

  /** Who owns which field is part of what must stay as it is. From the second time on nothing is written at all. */
  const expectSettled = (manifests: string, first: readonly Applied[]): void => {
    const second = apply(manifests);
    expect(content(second)).toEqual(content(first));
    expect(apply(manifests)).toEqual(second);
  };

  it.for(
    goldenNames.map((name, index) => ({ name, namespace: `ns-golden${String(index).padStart(2, '0')}` })),
  )('$name is taken, and taken a second time without a change', ({ name, namespace }, context) => {
    const manifests = golden(name, namespace);
    const lacking = notInstalled(manifests);
    context.skip(lacking !== undefined, lacking);
    if (manifests === '') {
      expect(name).toBe('purge-remove');
      return;
    }
    if (!isTenant(name)) server.kubectl('create', 'namespace', namespace);
    const first = apply(manifests);
    expect(first.length).toBe(manifests.match(/^kind: /gm)?.length);
    expectSettled(manifests, first);
  });

  it('an unknown field is refused: the check above can fail', () => {
    const wrong = golden('minimal', 'ns-golden99').replace('imagePullPolicy:', 'imagePullPolice:');
    server.kubectl('create', 'namespace', 'ns-golden99');
    expect(() => apply(wrong)).toThrow(/imagePullPolice/);
  });

  it.each(['controller', 'flux', 'argocd'])('the template for %s is taken, and taken again', (folder) => {
    const files = readdirSync(join(TEMPLATE, folder)).filter((file) => file.endsWith('.yaml'));
    const manifests = files.map((file) => readFileSync(join(TEMPLATE, folder, file), 'utf8')).join('---\n');
    const first = apply(manifests);
    expect(first.length).toBeGreaterThan(3);
    expectSettled(manifests, first);
  });

  it('the examples in the guide for operators are taken', () => {
    const guide = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');
    const blocks = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => yaml ?? '');
    // Others are parts of documents, which are no objects of Kubernetes.
    const objects = blocks.filter((yaml) => /^apiVersion: /m.test(yaml));
    const examples = objects.filter((yaml) => notInstalled(yaml) === undefined);
    expect(examples.length).toBeGreaterThan(1);
    server.kubectl('create', 'namespace', 'ns-ajno7yq7');
    const manifests = examples.join('---\n');
    expectSettled(manifests, apply(manifests));
  });
});
