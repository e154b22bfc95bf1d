import { Chart, JsonPatch } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { PORTS } from '../names.js';
import { keep, projectMeta, type ProjectContext } from './common.js';
import { podTemplate } from './pod-template.js';
import { canonicalSize } from './resources.js';
import { selector } from './selector.js';

const { IntOrString, Quantity } = k8s;

/** The workspace's volume: an object of its own, so that it outlives the StatefulSet. */
export class WorkspaceChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { names, spec } = context;
    new k8s.KubePersistentVolumeClaim(this, 'workspace', {
      metadata: projectMeta(context, {
        name: names.workspace,
        component: 'workspace',
        annotations: keep(context),
      }),
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(spec.sandbox.storageClass === undefined ? {} : { storageClassName: spec.sandbox.storageClass }),
        resources: { requests: { storage: Quantity.fromString(canonicalSize(spec.sandbox.storage)) } },
        volumeMode: 'Filesystem',
      },
    });
  }
}

/** The workload: one pod with the terminal and whatever the person starts in it. */
export class SandboxChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    this.#services(context);
    this.#statefulSet(context);
  }

  #services(context: ProjectContext): void {
    const { names, project, spec } = context;
    const ports = [
      { name: 'app', port: PORTS.app, targetPort: IntOrString.fromString('app'), protocol: 'TCP' },
      { name: 'ttyd', port: PORTS.terminal, targetPort: IntOrString.fromString('ttyd'), protocol: 'TCP' },
      ...(spec.sandbox.ports ?? []).map(({ name, port }) => ({
        name: `port-${name}`,
        port,
        targetPort: IntOrString.fromNumber(port),
        protocol: 'TCP',
      })),
    ];
    const common = {
      type: 'ClusterIP',
      selector: selector(project, 'sandbox'),
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    };
    new k8s.KubeService(this, 'service', {
      metadata: projectMeta(context, { name: names.sandbox, component: 'sandbox' }),
      spec: { ...common, ports },
    });
    new k8s.KubeService(this, 'pods', {
      metadata: projectMeta(context, { name: names.pods, component: 'sandbox' }),
      spec: { ...common, clusterIp: 'None', publishNotReadyAddresses: true, ports: ports.slice(0, 2) },
    });
  }

  #statefulSet(context: ProjectContext): void {
    const { names, project, spec } = context;
    const set = new k8s.KubeStatefulSet(this, 'sandbox', {
      metadata: projectMeta(context, { name: names.sandbox, component: 'sandbox' }),
      spec: {
        replicas: spec.state === 'Running' ? 1 : 0,
        serviceName: names.pods,
        selector: { matchLabels: selector(project, 'sandbox') },
        // With OrderedReady a pod that never gets ready blocks its own replacement: a mended image would not start.
        podManagementPolicy: 'Parallel',
        revisionHistoryLimit: 2,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        template: podTemplate(context),
      },
    });
    const { appArmorProfile } = context.platform.sandbox.userNamespaces ?? {};
    // A field of Kubernetes 1.30, which cdk8s does not have yet.
    if (appArmorProfile !== undefined)
      set.addJsonPatch(
        JsonPatch.add('/spec/template/spec/securityContext/appArmorProfile', {
          type: 'Localhost',
          localhostProfile: appArmorProfile,
        }),
      );
  }
}
