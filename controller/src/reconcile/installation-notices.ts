import type { PlatformDocument } from '@fullstackagent/charts';

/** Whose reports count, as the environment says (`DELIVERY`). */
export type DeliveryChoice = 'auto' | 'flux' | 'argocd';

const rendersForFlux = (platform: PlatformDocument | undefined): boolean =>
  platform?.spec.delivery?.flux !== undefined;

/** What is set up so that it is not what it looks like, in words that say what to do. For a cluster. */
export function installationNotices(
  choice: DeliveryChoice,
  platform: PlatformDocument | undefined,
): readonly string[] {
  return platform === undefined ? [] : [...deliveryNotices(choice, platform), ...exposureNotices(platform)];
}

function exposureNotices({ spec: { exposure } }: PlatformDocument): readonly string[] {
  if (exposure.forwardAuth !== undefined) return [];
  const who =
    exposure.gateway === undefined
      ? 'Name who is asked before each request (exposure.forwardAuth); the portal answers at /forward-auth.'
      : 'Set up the gateway so that it asks somebody before each request: an HTTPRoute has no field for that.';
  return [
    `Apps are open to whoever knows their address, those for members too: platform.yaml names nobody who is asked who comes. ${who} Terminals ask for a password of their own.`,
  ];
}

function deliveryNotices(choice: DeliveryChoice, platform: PlatformDocument): readonly string[] {
  if (choice === 'flux' && !rendersForFlux(platform))
    return [
      'No project is applied: the controller counts on Flux (DELIVERY=flux), and platform.yaml does not ask for the Kustomizations that Flux applies projects with. Add "delivery: { flux: {} }" below "spec" in platform.yaml on main, or set DELIVERY to who applies.',
    ];
  if (choice === 'argocd' && rendersForFlux(platform))
    return [
      'The controller counts on Argo CD (DELIVERY=argocd), and platform.yaml asks for Kustomizations for Flux (spec.delivery.flux), which Argo CD refuses. Remove it from platform.yaml on main, or set DELIVERY to who applies.',
    ];
  return [];
}

/** What a new platform would do that no difference of manifests shows. */
export function rollOutWarnings(
  before: PlatformDocument | undefined,
  after: PlatformDocument | undefined,
): readonly string[] {
  if (!rendersForFlux(before) || rendersForFlux(after)) return [];
  return [
    'This takes spec.delivery.flux away, and with it the Kustomization of each project. A Kustomization that goes while it is not suspended takes along what it applied: sandboxes, releases and addresses stop; volumes and databases stay. To leave Flux without that, suspend the Kustomizations of every tenant first: flux suspend kustomization --all -n <namespace>.',
  ];
}

/** Says each notice once, when it begins to hold. */
export class NoticeTeller {
  #told: readonly string[] = [];

  constructor(private readonly tell: (notice: string) => void) {}

  look(notices: readonly string[]): void {
    for (const notice of notices) if (!this.#told.includes(notice)) this.tell(notice);
    this.#told = notices;
  }
}
