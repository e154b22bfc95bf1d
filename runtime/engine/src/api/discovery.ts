import { apiVersionOf, KINDS, type Kind } from '../store/kinds.js';
import { openApi } from './openapi.js';
import { notFound } from './status.js';

const groups = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group !== '');
const versionsOf = (group: string): readonly string[] => [
  ...new Set(KINDS.filter((kind) => kind.group === group).map(({ version }) => version)),
];

const groupObject = (group: string): object => {
  const versions = versionsOf(group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
};

/** Served like a Kubernetes 1.33: the newest API level that everything answered here is true of. */
const VERSION = { major: '1', minor: '33', gitVersion: 'v1.33.0-fullstackagent', platform: 'local' };

/** Answers that are the same for everybody and at all times. */
export function fixedAnswer(path: string): unknown {
  switch (path) {
    case '/version':
      return VERSION;
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupObject) };
    case '/healthz':
    case '/livez':
    case '/readyz':
      return 'ok';
    default:
      if (path === '/openapi/v2' || path.startsWith('/openapi/v3')) return openApi(path);
      throw notFound('The server could not find the requested resource.');
  }
}

export function discovery(group: string, version: string | undefined): object {
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(group) };
  const kinds = KINDS.filter((kind) => kind.group === group && kind.version === version);
  if (kinds.length === 0) throw notFound(`There is no version ${version} of ${group} here.`);
  const [first] = kinds;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: first === undefined ? version : apiVersionOf(first),
    resources: kinds.flatMap(resourcesOf),
  };
}

function resourcesOf({ kind, namespaced, plural, shortNames = [], inAll = false }: Kind): readonly object[] {
  const verbs = [...(kind === 'Pod' ? ['delete'] : []), 'get', 'list', 'watch'];
  const own = {
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs,
    shortNames,
    ...(inAll ? { categories: ['all'] } : {}),
  };
  return kind === 'Pod'
    ? [
        own,
        { name: 'pods/log', singularName: '', namespaced, kind, verbs: ['get'] },
        { name: 'pods/exec', singularName: '', namespaced, kind: 'PodExecOptions', verbs: ['create', 'get'] },
      ]
    : [own];
}
