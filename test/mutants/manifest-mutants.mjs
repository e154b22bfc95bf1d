/**
 * Mistakes in manifests that would lose data or let somebody in, and in what is said of a project; each with the test
 * that has to notice it.
 *
 * @typedef {import('./mutants.mjs').Mutant} Mutant
 */

const chart = (name, file, [find, replace, test]) => ({
  name: `manifests: ${name}`,
  file: `charts-src/src/${file}`,
  find,
  replace,
  project: 'charts',
  test: `src/${test}`,
});

const status = (name, file, [find, replace, test = 'src/status/model']) => ({
  name: `status: ${name}`,
  file: `controller/src/${file}`,
  find,
  replace,
  project: 'controller',
  test,
});

/** @type {Mutant[]} */
export const manifestMutants = [
  chart('data is pruned with its folder', 'charts/common.ts', [
    'spec.purge === undefined ? KEEP : {};',
    '(spec, {});',
    'golden.test',
  ]),
  chart('a deleted Cluster takes its volumes along', 'charts/database.ts', [
    "whenDeleted: purge === undefined ? 'Retain' : 'Delete'",
    "whenDeleted: (purge, 'Delete')",
    'golden.test',
  ]),
  chart('every sandbox reaches every database', 'charts/database-access.ts', [
    'matchLabels: { [LABELS.project]: project } };',
    'matchLabels: {} };',
    'charts/network',
  ]),
  chart('databases of a tenant reach each other', 'charts/tenant-policies.ts', [
    '{ from: [{ namespaceSelector: operator }] },',
    '{ from: [{ namespaceSelector: operator }, { podSelector: DATABASE }] },',
    'charts/network',
  ]),
  chart('a database reaches every address', 'charts/tenant-policies.ts', [
    'if (apiServers.length > 0) return apiServers.map((cidr) => ({ ipBlock: { cidr } }));',
    '',
    'charts/network',
  ]),
  chart('a node’s identity is handed out', 'charts/egress.ts', [
    "  '169.254.0.0/16',\n",
    '',
    'charts/tenant.test',
  ]),
  chart('what is blocked is reached through NAT64', 'charts/egress.ts', [
    'withoutCovered([...ranges, ...ranges.filter((range) => !isIpv6(range)).map(throughNat64)]);',
    'withoutCovered(ranges);',
    'charts/network',
  ]),
  chart('a pod gets a token', 'charts/pod-parts.ts', [
    'automountServiceAccountToken: false',
    'automountServiceAccountToken: true',
    'kube-rules',
  ]),
  chart('a changed variable restarts a sandbox', 'charts/pod-template.ts', [
    '[LABELS.partOf]: project,',
    '[LABELS.partOf]: `${project}-${spec.env.length}`,',
    'change.property',
  ]),
  chart('a selector changes with the document', 'charts/selector.ts', [
    '[LABELS.project]: project,',
    '[LABELS.project]: `${project}${Math.random()}`,',
    'change.property',
  ]),
  chart('the order of keys is the order of the document', 'render.ts', [
    '.filter((key) => !FIRST_KEYS.includes(key)).sort();',
    '.filter((key) => !FIRST_KEYS.includes(key));',
    'render.property',
  ]),
  chart('text is read as a number', 'yaml.ts', ['|[eE][-+]?[0-9_]+)$/', ')$/', 'yaml.property']),
  chart('the locale writes numbers', 'charts/resources.ts', [
    '`${milli}m`);',
    '`${milli.toLocaleString()}m`);',
    'environment.test',
  ]),
  status('RUNNING before the revision is applied', 'status/sandbox.ts', [
    "  if (delivery.stage !== 'applied')\n    return {\n      status: facts",
    "  if (delivery.stage === 'failed')\n    return {\n      status: facts",
  ]),
  status('a purge is called a failure', 'status/status.ts', [
    " || (purging === 'Remove' && delivery.failure.kind === 'source')",
    '',
  ]),
  status('a time-out while nobody can be seen', 'status/status.ts', [
    "facts.freshness.state === 'fresh' ? timedOut(facts, verdict, { kind, now }) : verdict",
    'timedOut(facts, verdict, { kind, now })',
    'src/status/',
  ]),
  status('a database of an older generation runs', 'status/database.ts', [
    'facts.desired.version || !database.generationObserved)',
    'facts.desired.version)',
    'src/status/',
  ]),
  status('a version that is forgotten is asked for again', 'observe/reflector.ts', [
    'status === 410 || ',
    '',
    'src/observe/observer',
  ]),
  status('a watch begins from what was listed long ago', 'observe/reflector.ts', [
    "if (typeof version === 'string') this.#version = version;",
    '',
    'src/observe/reflector',
  ]),
  status('a busy server is asked again at once', 'observe/reflector.ts', [
    'return Math.max(backoff, 2 * Math.min(RETRY_AFTER_MAX_MS, asked));',
    'return backoff;',
    'src/observe/reflector',
  ]),
];
