import type { PlatformDocument } from '@fullstackagent/charts';

/** Whose reports count, as the environment says (`DELIVERY`). */
export type DeliveryChoice = 'auto' | 'flux' | 'argocd';

const rendersForFlux = (platform: PlatformDocument | undefined): boolean =>
  platform?.spec.delivery?.flux !== undefined;

/** What is set up so that nothing can come of it, in words that say what to do. */
export function deliveryNotices(
  choice: DeliveryChoice,
  platform: PlatformDocument | undefined,
): readonly string[] {
  if (platform === undefined) return [];
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
