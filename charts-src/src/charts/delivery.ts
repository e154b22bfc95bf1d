import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { renderedProjectDir, type PlatformDocument } from '../documents/index.js';
import { LABELS, MANAGED_BY } from '../names.js';
import { customObject } from './common.js';
import { APPLIER } from './tenant.js';

export interface DeliveryContext {
  readonly flux: NonNullable<PlatformDocument['spec']['delivery']>['flux'];
  readonly project: string;
  readonly namespace: string;
}

/**
 * The Flux Kustomization that applies one project's folder. It does not say which version of the document it was made
 * from: it is the same for all of them, and a commit must not make Flux reconcile more than what it changed.
 */
export class DeliveryChart extends Chart {
  constructor(scope: Construct, id: string, { flux, project, namespace }: DeliveryContext) {
    super(scope, id, { disableResourceNameHashes: true });
    customObject(this, 'kustomization', {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: {
        name: project,
        namespace,
        labels: {
          [LABELS.component]: 'delivery',
          [LABELS.managedBy]: MANAGED_BY,
          [LABELS.name]: 'delivery',
          [LABELS.partOf]: project,
          [LABELS.project]: project,
        },
      },
      spec: {
        // What it applied goes with it, except what is protected from pruning.
        deletionPolicy: 'MirrorPrune',
        force: false,
        interval: '10m',
        path: `./${renderedProjectDir(namespace, project)}`,
        prune: true,
        retryInterval: '30s',
        serviceAccountName: APPLIER,
        sourceRef: {
          kind: 'GitRepository',
          name: flux.sourceName ?? 'platform',
          namespace: flux.sourceNamespace ?? 'flux-system',
        },
        targetNamespace: namespace,
        timeout: '2m',
        // The revision would otherwise move only when everything is healthy.
        wait: false,
      },
    });
  }
}
