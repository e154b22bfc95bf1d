import type { PlatformDocument, ProjectDocument } from '@fullstackagent/charts';
import { isForeignBuild } from '../contract/build.js';
import { SNAPSHOT_REGISTRY } from '../contract/release.js';

type Platform = PlatformDocument['spec'];
type Spec = ProjectDocument['spec'];
type Release = NonNullable<Spec['release']>;

/** What a release has already it may keep, whatever the platform allows by now. */
export function releaseProblems(
  platform: Platform,
  { metadata, spec: { release } }: ProjectDocument,
  before: Spec | undefined,
): readonly string[] {
  if (release === undefined) return [];
  const had = before?.release;
  return [
    ...(release.image === had?.image ? [] : imageProblems(platform, metadata, release)),
    ...(release.preset === had?.preset ? [] : presetProblems(platform, release)),
  ];
}

function imageProblems(
  { release: offer }: Platform,
  { namespace, name }: ProjectDocument['metadata'],
  { image }: Release,
): readonly string[] {
  if (offer === undefined) return ['spec.release: the platform offers no releases.'];
  if (!offer.registries.some((registry) => image.startsWith(registry)))
    return [`spec.release.image: images may come from ${offer.registries.join(', ')} here.`];
  const isForeign =
    image.startsWith(SNAPSHOT_REGISTRY) && !image.startsWith(`${SNAPSHOT_REGISTRY}${namespace}/${name}@`);
  if (isForeignBuild(offer.build?.repository, { namespace, name }, image))
    return ['spec.release.image: this was built from the workspace of another project.'];
  return isForeign ? ['spec.release.image: this is a snapshot of another project.'] : [];
}

function presetProblems({ sandbox }: Platform, { preset }: Release): readonly string[] {
  const offered = Object.keys(sandbox.presets);
  return offered.includes(preset)
    ? []
    : [`spec.release.preset: the platform does not offer it. Choose one of ${offered.join(', ')}.`];
}
