import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { ProjectDocument, ProjectVariable } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { projectMeta, type ProjectContext } from './common.js';
import { expose } from './exposure.js';
import { fingerprint } from './fingerprint.js';
import { APP_PORT, releasePod } from './release-pod.js';
import { byKeeping, sealedSecret } from './secrets.js';
import { selector } from './selector.js';
import { UserConfigMap } from './user-data.js';

const { IntOrString } = k8s;

type Release = NonNullable<ProjectDocument['spec']['release']>;

/**
 * The app as others use it. It starts and stops with the project: what is stopped costs nothing, and its database is
 * stopped too.
 */
export class ReleaseChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { release } = context.spec;
    if (release === undefined) return;
    checkRegistry(context, release);
    const variables = this.#variables(context, release);
    this.#deployment(context, release, variables);
    this.#service(context, release);
    if (isUp(context, release)) this.#scaling(context, release);
    expose(this, context, {
      id: 'exposure',
      name: context.names.release,
      host: `${release.host}.${context.platform.exposure.domain}`,
      service: context.names.release,
      port: release.port ?? APP_PORT,
      visibility: release.visibility ?? 'public',
      app: 'release',
    });
  }

  /**
   * Called after what they hold: a pod never starts with the variables of another version, however late a Secret is
   * unsealed, and a changed variable rolls the pods like a changed image. Those of the releases before are there too: an
   * applier takes away at once what is not, and the old pods, which answer until the new ones do, could not start again.
   * Where one of them has the name of this one's, this one's count. Where nothing runs, none of them is needed.
   */
  #variables(context: ProjectContext, release: Release): k8s.EnvFromSource[] {
    const { env, formerEnv = [] } = release;
    const former = isUp(context, release) ? formerEnv : [];
    const sets = new Map([...former, env].map((set) => [fingerprintOf(set), set]));
    for (const [print, set] of sets) this.#held(context, print, set);
    const name = nameOf(context, fingerprintOf(env));
    const { plain, sealed } = byKeeping(env);
    return [
      ...(plain.length > 0 ? [{ configMapRef: { name } }] : []),
      ...(sealed.length > 0 ? [{ secretRef: { name } }] : []),
    ];
  }

  #held(context: ProjectContext, print: string, env: readonly ProjectVariable[]): void {
    const name = nameOf(context, print);
    const component = 'release';
    const { plain, sealed } = byKeeping(env);
    if (plain.length > 0)
      new UserConfigMap(this, `env-${print}`, {
        metadata: projectMeta(context, { name, component }),
        data: Object.fromEntries(plain),
      });
    if (sealed.length > 0)
      sealedSecret(this, context, {
        id: `sealed-env-${print}`,
        name,
        component,
        data: Object.fromEntries(sealed),
      });
  }

  /** `replicas` is the autoscaler's: an applier that wrote it too would undo every scaling at its next run. */
  #deployment(context: ProjectContext, release: Release, variables: k8s.EnvFromSource[]): void {
    const { names, project } = context;
    new k8s.KubeDeployment(this, 'deployment', {
      metadata: projectMeta(context, { name: names.release, component: 'release' }),
      spec: {
        ...(isUp(context, release) ? {} : { replicas: 0 }),
        selector: { matchLabels: selector(project, 'release') },
        progressDeadlineSeconds: 600,
        // The way back is a commit.
        revisionHistoryLimit: 2,
        // A new pod answers before an old one goes.
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: IntOrString.fromNumber(1), maxUnavailable: IntOrString.fromNumber(0) },
        },
        template: releasePod(context, release, variables),
      },
    });
  }

  #service(context: ProjectContext, { port }: Release): void {
    new k8s.KubeService(this, 'service', {
      metadata: projectMeta(context, { name: context.names.release, component: 'release' }),
      spec: {
        type: 'ClusterIP',
        selector: selector(context.project, 'release'),
        ipFamilyPolicy: 'SingleStack',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [
          {
            name: 'app',
            port: port ?? APP_PORT,
            targetPort: IntOrString.fromString('app'),
            protocol: 'TCP',
          },
        ],
      },
    });
  }

  /** There is an autoscaler even where there is nothing to scale: from none to one, `replicas` would fall to 1 for a while. */
  #scaling(context: ProjectContext, { replicas, maxReplicas }: Release): void {
    const { names, project } = context;
    const metadata = projectMeta(context, { name: names.release, component: 'release' });
    new k8s.KubeHorizontalPodAutoscalerV2(this, 'autoscaler', {
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: names.release },
        minReplicas: replicas,
        maxReplicas: maxReplicas ?? replicas,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      },
    });
    new k8s.KubePodDisruptionBudget(this, 'budget', {
      metadata,
      spec: {
        maxUnavailable: IntOrString.fromNumber(1),
        selector: { matchLabels: selector(project, 'release') },
        // A pod that is broken anyway must not keep a node from being emptied.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    });
  }
}

const nameOf = ({ names }: ProjectContext, print: string): string => `${names.releaseEnv}-${print}`;

const isUp = ({ spec }: ProjectContext, { replicas }: Release): boolean =>
  spec.state === 'Running' && replicas > 0;

/** Whose images run is the operators' choice; which one is the user's. */
function checkRegistry({ platform }: ProjectContext, { image }: Release): void {
  if (platform.release === undefined) throw new RenderError('The platform offers no releases.');
  if (!platform.release.registries.some((registry) => image.startsWith(registry)))
    throw new RenderError(`The platform does not allow releases from "${image.split('@')[0] ?? ''}".`);
}

/** The same for the same variables, in whatever order they are. */
function fingerprintOf(env: readonly ProjectVariable[]): string {
  const entries = env.map((entry) =>
    'value' in entry ? [entry.name, 'value', entry.value] : [entry.name, 'sealed', entry.sealed],
  );
  const sorted = entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return fingerprint(JSON.stringify(sorted));
}
