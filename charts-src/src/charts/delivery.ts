import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { renderedProjectDir, type PlatformDocument } from '../documents/index.js';
import { ANNOTATIONS } from '../names.js';
import { customObject, operatorsMeta } from './common.js';
import { APPLIER } from './tenant.js';

export interface DeliveryContext {
  readonly flux: NonNullable<PlatformDocument['spec']['delivery']>['flux'];
  readonly project: string;
  readonly namespace: string;
}

/** The Flux Kustomization that applies one project's folder. */
export class DeliveryChart extends Chart {
  constructor(scope: Construct, id: string, { flux, project, namespace }: DeliveryContext) {
    super(scope, id, { disableResourceNameHashes: true });
    customObject(this, 'kustomization', {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: {
        ...operatorsMeta({ name: project, namespace, project, component: 'delivery' }),
        // An operator who suspends it with kubectl means it: without this, Flux takes it back at the next commit.
        annotations: { [ANNOTATIONS.fluxApply]: 'Merge' },
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
