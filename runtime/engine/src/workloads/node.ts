import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { RESOURCES, type Isolation, type Resource } from '../isolation/index.js';
import { PROCESSES } from './quantities.js';
import type { Store } from '../store/store.js';

export interface NodeFacts {
  readonly isolation: Isolation;
  /** The version of PostgreSQL that every database here is. */
  readonly postgresql: string;
}

/** This machine, as the Node that everything runs on; it says how sandboxes are kept apart here. */
export async function registerNode(store: Store, { isolation, postgresql }: NodeFacts): Promise<void> {
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    ...(await processIds()),
  };
  store.apply({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'local',
      labels: { 'kubernetes.io/hostname': 'local', 'kubernetes.io/os': process.platform },
      annotations: {
        'fullstackagent.dev/isolation': isolation.kind,
        ...reasons(isolation),
        'fullstackagent.dev/runs-as-root': String(isolation.kind === 'none' && process.getuid?.() === 0),
        'fullstackagent.dev/postgresql': postgresql,
        'fullstackagent.dev/limits': limitsOf(isolation),
        'fullstackagent.dev/not-enforced': notEnforced(isolation),
      },
    },
    spec: {},
  });
  store.setStatus(
    { kind: 'Node', name: 'local' },
    {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'EngineReady' }, limitsCondition(isolation)],
      nodeInfo: {
        kubeletVersion: 'v1.33.0-fullstackagent',
        operatingSystem: process.platform,
        architecture: arch(),
        kernelVersion: release(),
      },
    },
  );
}

/** Why it is not more than that. */
function reasons(isolation: Isolation): Readonly<Record<string, string>> {
  if (isolation.kind === 'none') return { 'fullstackagent.dev/isolation-reason': isolation.reason };
  return isolation.network.own
    ? { 'fullstackagent.dev/network': 'own' }
    : {
        'fullstackagent.dev/network': 'shared',
        'fullstackagent.dev/network-reason': isolation.network.reason,
      };
}

/** As many processes as this kernel has room for; nothing where it does not say. */
async function processIds(): Promise<{ readonly pids?: string }> {
  const pids = (await readFile('/proc/sys/kernel/pid_max', 'utf8').catch(() => '')).trim();
  return pids === '' ? {} : { pids };
}

const NAMES: Readonly<Record<Resource, string>> = {
  memory: 'memory',
  processes: 'processes',
  cpu: 'CPU',
};

type Means = 'control groups' | 'limits of each process';

function meansOf({ limits, rlimits }: Isolation, resource: Resource): Means | undefined {
  if (limits?.enforced.has(resource) === true) return 'control groups';
  return rlimits?.enforced.has(resource) === true ? 'limits of each process' : undefined;
}

/** What a sandbox can be kept from taking, and by what. */
function limitsOf(isolation: Isolation): string {
  const limited = RESOURCES.flatMap((resource) => {
    const means = meansOf(isolation, resource);
    const amount = resource === 'processes' ? ` (${PROCESSES} a sandbox)` : '';
    return means === undefined ? [] : [`${NAMES[resource]}${amount} by ${means}`];
  });
  return limited.length === 0 ? 'none' : limited.join(', ');
}

const unlimited = (isolation: Isolation): readonly Resource[] =>
  RESOURCES.filter((resource) => meansOf(isolation, resource) === undefined);

function notEnforced(isolation: Isolation): string {
  const never = ['NetworkPolicy', 'ResourceQuota', 'LimitRange', 'RBAC'];
  return [...never, ...unlimited(isolation).map((resource) => `limits of ${NAMES[resource]}`)].join(', ');
}

/** For `kubectl describe node`, where people look for such things. */
function limitsCondition(isolation: Isolation): object {
  const all = unlimited(isolation).length === 0;
  return {
    type: 'LimitsEnforced',
    status: all ? 'True' : 'False',
    reason: all ? 'AllEnforced' : 'NotAllEnforced',
    message: `Limited: ${limitsOf(isolation)}. Not enforced: ${notEnforced(isolation)}.`,
  };
}
