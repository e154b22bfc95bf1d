import { Chart, JsonPatch } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { PORTS } from '../names.js';
import { keep, projectMeta, type ProjectContext } from './common.js';
import { podTemplate } from './pod-template.js';
import { canonicalSize } from './resources.js';
import { selector } from './selector.js';

const { IntOrString, Quantity } = k8s;

/**
 * cdk8s does not know this field of Kubernetes 1.30 yet, and leaves out what it does not know, the patches of an object
 * included. So it is added to what cdk8s says last.
 */
class SandboxStatefulSet extends k8s.KubeStatefulSet {
  readonly #appArmorProfile: string | undefined;

  constructor(
    chart: Chart,
    id: string,
    props: k8s.KubeStatefulSetProps & { readonly appArmorProfile: string | undefined },
  ) {
    const { appArmorProfile, ...known } = props;
    super(chart, id, known);
    this.#appArmorProfile = appArmorProfile;
  }

  override toJson(): object {
    const json = super.toJson() as object;
    const localhostProfile = this.#appArmorProfile;
    if (localhostProfile === undefined) return json;
    const profile = { type: 'Localhost', localhostProfile };
    return JsonPatch.apply(
      json,
      JsonPatch.add('/spec/template/spec/securityContext/appArmorProfile', profile),
    ) as object;
  }
}

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
    new SandboxStatefulSet(this, 'sandbox', {
      appArmorProfile: context.platform.sandbox.userNamespaces?.appArmorProfile,
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
  }
}
