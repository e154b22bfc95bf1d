import { projectPath } from '@fullstackagent/charts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { platform, project } from '../shared/documents-for-tests.js';
import { DocumentIndex } from './document-index.js';
import { storedDocument, type StoredProject } from './documents.js';
import { StagedDocuments } from './staged-documents.js';

const HOSTS = ['host00000000', 'host11111111', 'host22222222'] as const;
const NAMESPACES = ['ns-aaaaaaaa', 'ns-bbbbbbbb'] as const;

interface Step {
  readonly namespace: string;
  readonly name: string;
  readonly host: string | null;
}

const step = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  name: fc.constantFrom('a', 'b', 'c'),
  host: fc.option(fc.constantFrom(...HOSTS), { nil: null }),
});

function stored({ namespace, name, host }: Step, version: string): StoredProject {
  const { spec, metadata, ...rest } = project(name);
  const document = { ...rest, metadata: { ...metadata, namespace }, spec: { ...spec, host: host ?? '' } };
  return { kind: 'Project', path: projectPath(namespace, name), version, document };
}

const idOf = ({ namespace, name }: Step): string => `${namespace}/${name}`;

/** What people ask of a view, of all it could know. */
const answers = (view: DocumentIndex | StagedDocuments): unknown => ({
  all: view.projects().map(({ path, version }) => [path, version]),
  each: NAMESPACES.map((namespace) => view.projects(namespace).map(({ version }) => version)),
  hosts: HOSTS.map((host) => view.hostTaken(host)),
  found: NAMESPACES.map((namespace) =>
    ['a', 'b', 'c'].map((name) => view.project({ namespace, name })?.version),
  ),
});

/** The same, of an index that was told only how it ended. */
function expected(steps: readonly Step[]): unknown {
  const last = new Map(steps.map((one, at) => [idOf(one), { one, version: `v${at}` }]));
  const fresh = new DocumentIndex();
  for (const id of [...last.keys()].sort()) {
    const found = last.get(id);
    if (found && found.one.host !== null) fresh.put(stored(found.one, found.version));
  }
  return answers(fresh);
}

describe('the index of documents', () => {
  it('answers the same whatever way it came to hold what it holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const index = new DocumentIndex();
        steps.forEach((one, at) => {
          if (one.host === null) index.remove(projectPath(one.namespace, one.name));
          else index.put(stored(one, `v${at}`));
        });
        expect(answers(index)).toEqual(expected(steps));
      }),
    );
  });

  it('with changes over it answers as if they were in it; dropped, as if they never were; kept, for good', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), fc.array(step, { maxLength: 10 }), (durable, staged) => {
        const index = new DocumentIndex();
        durable.forEach((one, at) => {
          if (one.host === null) index.remove(projectPath(one.namespace, one.name));
          else index.put(stored(one, `v${at}`));
        });
        const working = new StagedDocuments(index);
        const stage = (): void =>
          staged.forEach((one, at) => {
            const path = projectPath(one.namespace, one.name);
            working.stage(path, one.host === null ? undefined : stored(one, `v${durable.length + at}`));
          });
        stage();
        expect(answers(working)).toEqual(expected([...durable, ...staged]));
        expect(answers(index)).toEqual(expected(durable));
        working.drop();
        expect(answers(working)).toEqual(expected(durable));
        stage();
        working.keep();
        expect(answers(index)).toEqual(expected([...durable, ...staged]));
        expect(answers(working)).toEqual(answers(index));
      }),
    );
  });

  it('says that nothing can be decided without a platform', () => {
    expect(() => new DocumentIndex().platform()).toThrow(expect.objectContaining({ code: 'NOT_READY' }));
  });

  it('says what is wrong with the platform that cannot be read', () => {
    const { exposure, ...rest } = platform.spec;
    const { domain, ingressNamespace } = exposure;
    const gateway = { name: 'public', namespace: 'gateway-system' };
    const before = { domain, ingressNamespace, gateway, tls: { mode: 'gateway' } };
    const text = JSON.stringify({ ...platform, spec: { ...rest, exposure: before } });
    const index = new DocumentIndex();
    const document = storedDocument({ path: 'platform.yaml', blob: 'a'.repeat(40), text });
    if (document !== undefined) index.put(document);
    const message =
      /^There is no valid platform\.yaml on branch main: nothing can be decided\. spec\.exposure\.gateway\.sectionName: With TLS, name the listener/;
    for (const view of [index, new StagedDocuments(index)]) expect(() => view.platform()).toThrow(message);
  });
});
