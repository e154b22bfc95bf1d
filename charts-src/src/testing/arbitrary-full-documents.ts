import fc from 'fast-check';
import type { PlatformDocument, ProjectDocument } from '../documents/index.js';
import { environments, examplePlatform, projects } from './arbitrary-documents.js';

/** {@link examplePlatform} with everything on offer. */
export const fullPlatform: PlatformDocument = {
  ...examplePlatform,
  spec: {
    ...examplePlatform.spec,
    database: { ...examplePlatform.spec.database, backup: { repo: 'nightly' } },
    release: { registries: ['registry.example.com/'] },
  },
};

const visibilities = fc.constantFrom('members' as const, 'public' as const);

const backups = fc.record({
  schedule: fc.constantFrom('0 3 * * *', '*/30 * * * *', '0 0,12 1-15/2 * 1-5'),
  keep: fc.record({ days: fc.integer({ min: 1, max: 3650 }) }),
});

const releases = fc
  .record(
    {
      image: fc
        .stringMatching(/^[0-9a-f]{64}$/)
        .map((digest) => `registry.example.com/team/app@sha256:${digest}`),
      replicas: fc.integer({ min: 0, max: 5 }),
      more: fc.integer({ min: 0, max: 5 }),
      // Never the host of a project: those are lower-case letters and digits too, but hardly just these.
      host: fc.stringMatching(/^r[a-z0-9]{11}$/),
      env: environments,
      port: fc.integer({ min: 1024, max: 65535 }),
      preset: fc.constantFrom('small', 'medium', 'large'),
      database: fc.boolean(),
      visibility: visibilities,
    },
    { requiredKeys: ['image', 'replicas', 'host', 'env', 'preset'] },
  )
  .map(({ more, ...release }) => ({
    ...release,
    ...(more !== undefined && release.replicas > 0 ? { maxReplicas: release.replicas + more } : {}),
  }));

/** Documents with every field, valid and fitting {@link fullPlatform}. */
export const fullProjects: fc.Arbitrary<ProjectDocument> = fc
  .record(
    { project: projects, visibility: visibilities, backup: backups, release: releases },
    { requiredKeys: ['project'] },
  )
  .filter(({ project, release }) => project.spec.host !== release?.host)
  .map(({ project, visibility, backup, release }) => {
    const { sandbox, database, ...rest } = project.spec;
    return {
      ...project,
      spec: {
        ...rest,
        sandbox: { ...sandbox, ...(visibility === undefined ? {} : { visibility }) },
        ...(database === undefined
          ? {}
          : { database: { ...database, ...(backup === undefined ? {} : { backup }) } }),
        ...(release === undefined
          ? {}
          : { release: { ...release, ...(database === undefined ? { database: false } : {}) } }),
      },
    };
  });

/** `project`, running, whatever it was. */
export function running(project: ProjectDocument): ProjectDocument {
  const spec: ProjectDocument['spec'] = { ...project.spec, state: 'Running' };
  delete spec.deletedAt;
  return { ...project, spec };
}
