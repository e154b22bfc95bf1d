import { arch, cpus, release, totalmem } from 'node:os';
import type { Isolation } from '../isolation/index.js';
import type { Store } from '../store/store.js';

/** This machine, as the Node that everything runs on; it says how sandboxes are kept apart here. */
export function registerNode(store: Store, isolation: Isolation): void {
  const capacity = { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki` };
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
      conditions: [{ type: 'Ready', status: 'True', reason: 'EngineReady' }],
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

function notEnforced(isolation: Isolation): string {
  const never = ['NetworkPolicy', 'ResourceQuota', 'LimitRange', 'RBAC', 'limits of CPU'];
  const limited = isolation.kind === 'bubblewrap' && isolation.limits !== undefined;
  return [...never, ...(limited ? [] : ['limits of memory'])].join(', ');
}
