import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, loadAll } from 'js-yaml';
import { expect, test } from 'vitest';
import type { ObservedApplier } from '../model/facts.js';
import { at, list, text } from '../shared/json.js';
import { COMPARED } from './drift-reader.js';
import { watchedResources, type ApplierReaders } from './resources.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function objects(...files: readonly string[]): readonly unknown[] {
  return files.flatMap((file) => loadAll(readFileSync(join(ROOT, 'gitops-template', file), 'utf8')));
}

const ofKind = (found: readonly unknown[], ...kinds: readonly string[]): readonly unknown[] =>
  found.filter((object) => kinds.includes(text(object, 'kind') ?? ''));

/** `<verb> <group>/<resource>`, with the namespace before it where the rule holds in one only. */
function rights(role: unknown): readonly string[] {
  const namespace = text(role, 'metadata', 'namespace');
  return list(role, 'rules').flatMap((rule) =>
    list(rule, 'apiGroups').flatMap((group) =>
      list(rule, 'resources').flatMap((resource) =>
        list(rule, 'verbs').map(
          (verb) =>
            `${namespace === undefined ? '' : `${namespace}: `}${String(verb)} ${String(group)}/${String(resource)}`,
        ),
      ),
    ),
  );
}

function needed(appliers: ApplierReaders): readonly string[] {
  const rules = watchedResources(appliers).flatMap(({ path }) => {
    const found =
      /^\/(?:api|apis\/(?<group>[^/]+))\/[^/]+(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)$/.exec(
        path,
      )?.groups ?? {};
    const { group = '', namespace, resource = '' } = found;
    return ['list', 'watch'].map(
      (verb) => `${namespace === undefined ? '' : `${namespace}: `}${verb} ${group}/${resource}`,
    );
  });
  return [...new Set(rules)];
}

const read = (): ObservedApplier => ({ current: true });
const WAKE_FLUX = 'flux-system: patch source.toolkit.fluxcd.io/gitrepositories';

test.each([
  { name: 'flux', appliers: { flux: read }, more: [WAKE_FLUX] },
  { name: 'argocd', appliers: { argocd: read }, more: [] },
])('with $name the controller may do what it watches, and nothing else', ({ name, appliers, more }) => {
  const roles = ofKind(objects('controller/access.yaml', `${name}/access.yaml`), 'ClusterRole', 'Role');
  expect(roles.flatMap(rights).sort()).toEqual([...needed(appliers), ...more].sort());
});

test('the one thing it may change is one object', () => {
  const [role] = ofKind(objects('flux/access.yaml'), 'Role');
  expect(at(list(role, 'rules')[0], 'resourceNames')).toEqual(['platform']);
});

test('every role is bound to the account of the controller, by its name', () => {
  const found = objects('controller/access.yaml', 'flux/access.yaml', 'argocd/access.yaml');
  const account = text(ofKind(found, 'ServiceAccount')[0], 'metadata', 'name');
  const bound = ofKind(found, 'ClusterRoleBinding', 'RoleBinding').map((binding) => {
    expect(list(binding, 'subjects')).toEqual([
      { kind: 'ServiceAccount', name: account, namespace: 'fullstackagent-system' },
    ]);
    return [
      text(binding, 'metadata', 'namespace'),
      text(binding, 'roleRef', 'kind'),
      text(binding, 'roleRef', 'name'),
    ];
  });
  const roles = ofKind(found, 'ClusterRole', 'Role').map((role) => [
    text(role, 'metadata', 'namespace'),
    text(role, 'kind'),
    text(role, 'metadata', 'name'),
  ]);
  expect(bound).toEqual(roles);
});

/** `<group>/<kind>` of everything that the golden projects render to. */
function projectKinds(): ReadonlySet<string> {
  const golden = join(ROOT, 'charts-src', 'golden');
  const files = readdirSync(golden, { recursive: true, encoding: 'utf8' }).filter(
    // These are in platform/, which is the operators': no project's account applies them.
    (file) =>
      /\/rendered\/(?!kustomization-|networkpolicy-)[^/]+\.yaml$/.test(file) && !file.startsWith('tenant'),
  );
  return new Set(
    files.map((file) => {
      const object = load(readFileSync(join(golden, file), 'utf8'));
      const [group = '', version] = (text(object, 'apiVersion') ?? '').split('/');
      return `${version === undefined ? '' : group}/${text(object, 'kind') ?? ''}`;
    }),
  );
}

const plural = (kind: string): string => `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`;

test('in a tenant the controller may read what it compares and what a terminal needs, and nothing else', () => {
  const file = join(ROOT, 'charts-src/golden/tenant/rendered/role-fullstackagent-controller.yaml');
  const compared = [...projectKinds()].map((entry) => {
    const [group = '', kind = ''] = entry.split('/');
    return `get ${group}/${COMPARED[kind] ?? kind}`;
  });
  const others = [
    'get /secrets',
    'create /pods/exec',
    'get /pods/exec',
    'list discovery.k8s.io/endpointslices',
    'list dataprotection.kubeblocks.io/backups',
  ];
  const granted = rights(load(readFileSync(file, 'utf8'))).map((right) => right.replace(/^[^:]*: /, ''));
  expect(granted.sort()).toEqual([...new Set([...compared, ...others])].sort());
});

test('an applier may write every kind that a project renders to', () => {
  const [role] = ofKind(objects('controller/applier.yaml'), 'ClusterRole');
  const granted = new Set(rights(role));
  const kinds = [...projectKinds()];
  expect(kinds).toContain('apps/StatefulSet');
  const missing = kinds.flatMap((entry) => {
    const [group = '', kind = ''] = entry.split('/');
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    return verbs.map((verb) => `${verb} ${group}/${plural(kind)}`).filter((right) => !granted.has(right));
  });
  expect(missing).toEqual([]);
});

test('and nothing that grants, limits or is secret', () => {
  const [role] = ofKind(objects('controller/applier.yaml'), 'ClusterRole');
  const guarded =
    /secrets$|roles|bindings|serviceaccounts|namespaces|networkpolicies|quotas|limitranges|pods|kustomizations/;
  expect(rights(role).filter((right) => guarded.test(right.replace('sealedsecrets', '')))).toEqual([]);
});

test('Argo CD takes every kind that a project renders to', () => {
  const [project] = ofKind(objects('argocd/projects.yaml'), 'AppProject');
  const allowed = list(project, 'spec', 'namespaceResourceWhitelist').map(
    (entry) => `${text(entry, 'group') ?? ''}/${text(entry, 'kind') ?? ''}`,
  );
  expect([...projectKinds()].filter((kind) => !allowed.includes(kind))).toEqual([]);
});
