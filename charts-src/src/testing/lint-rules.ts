import type { Container, PodTemplate } from './golden-objects.js';

/** The one container whose root can be written to: people install things in it. */
const WRITABLE_ROOT = new Set(['sandbox']);

/** A variable that is called like this holds a secret, so its value stands in no manifest. */
const SECRET_NAME = /TOKEN|PASSWORD|SECRET|KEY|CREDENTIAL/;

interface EnvVar {
  readonly name: string;
  readonly value?: string;
}

/** What a platform team would not sign, one sentence each. Pod Security has its own check. */
export function lintProblems({ spec }: PodTemplate): readonly string[] {
  return [
    ...(spec['automountServiceAccountToken'] === false ? [] : ['the pod gets a token for the API server']),
    ...(['default', undefined].includes(spec['serviceAccountName'] as string | undefined)
      ? ['the pod runs as the default service account']
      : []),
    ...(spec['enableServiceLinks'] === false ? [] : ["other Services' variables reach the pod"]),
    ...(spec.volumes ?? [])
      .filter((volume) => {
        const { emptyDir } = volume as { readonly emptyDir?: { readonly sizeLimit?: string } };
        return emptyDir !== undefined && emptyDir.sizeLimit === undefined;
      })
      .map(({ name }) => `the volume ${String(name)} may fill the node's disk`),
    ...[...spec.containers, ...(spec.initContainers ?? [])].flatMap(containerProblems),
  ];
}

function containerProblems(container: Container): readonly string[] {
  const { name, image, resources, securityContext } = container;
  const amounts = [resources?.limits, resources?.requests];
  const checks: readonly (readonly [boolean, string])[] = [
    [
      isPinned(image) || container['imagePullPolicy'] === 'Always',
      `runs ${image} as a node happens to have it`,
    ],
    [
      amounts.every((amount) => amount !== undefined && 'cpu' in amount && 'memory' in amount),
      'has no limits',
    ],
    [
      ['startupProbe', 'readinessProbe', 'livenessProbe'].every((probe) => container[probe] !== undefined),
      'has no probes',
    ],
    [
      WRITABLE_ROOT.has(name) || securityContext?.['readOnlyRootFilesystem'] === true,
      'can write to its image',
    ],
    [secretsInTheClear(container).length === 0, `shows ${secretsInTheClear(container).join(', ')}`],
  ];
  return checks.filter(([isFine]) => !isFine).map(([, what]) => `container ${name} ${what}`);
}

/** By a digest, or by a tag other than `latest`. */
const isPinned = (image: string): boolean => {
  const [name = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return digest !== undefined || (tag !== undefined && tag !== 'latest');
};

const secretsInTheClear = (container: Container): readonly string[] =>
  ((container['env'] ?? []) as readonly EnvVar[])
    .filter(({ name, value }) => value !== undefined && SECRET_NAME.test(name))
    .map(({ name }) => name);
