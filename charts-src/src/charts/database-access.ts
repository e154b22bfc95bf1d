import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { LABELS, objectNames } from '../names.js';
import { operatorsMeta } from './common.js';
import { APPS, DATABASE_PORTS, KUBEBLOCKS_POD } from './tenant-policies.js';

export interface DatabaseAccessContext {
  readonly project: string;
  readonly namespace: string;
}

/**
 * Who reaches one project's database: its own sandbox and release, and its own peers. A database is told by the label
 * that KubeBlocks puts on its pods; a selector of it makes nothing of ours KubeBlocks' own (reference, trap 2). It is the
 * operators' object, like every policy: what applies a project may not open anything.
 */
export class DatabaseAccessChart extends Chart {
  constructor(scope: Construct, id: string, { project, namespace }: DatabaseAccessContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { database } = objectNames(project);
    const own: k8s.LabelSelector = {
      matchLabels: { ...KUBEBLOCKS_POD, 'app.kubernetes.io/instance': database },
    };
    const apps: k8s.LabelSelector = { ...APPS, matchLabels: { [LABELS.project]: project } };
    new k8s.KubeNetworkPolicy(this, 'database-access', {
      metadata: operatorsMeta({ name: database, namespace, project, component: 'database' }),
      spec: {
        podSelector: own,
        policyTypes: ['Ingress'],
        ingress: [
          { from: [{ podSelector: apps }], ports: [...DATABASE_PORTS] },
          { from: [{ podSelector: own }] },
        ],
      },
    });
  }
}
