import fc from 'fast-check';
import {
  workspaceSchema,
  type PlatformDocument,
  type ProjectDocument,
  type Workspace,
} from '../documents/index.js';
import { environments, examplePlatform, projects, variableValues } from './arbitrary-documents.js';

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
      formerEnv: fc.array(environments, { minLength: 1, maxLength: 3 }),
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

const workspaces: fc.Arbitrary<Workspace> = fc.record(
  {
    repository: fc.record(
      {
        url: fc.constantFrom('https://github.com/team/blog.git', "https://git.example:8443/~a/b;c=(d)'e'"),
        branch: fc.constantFrom('main', 'feature/é', 'yes', '0x1', "it's", '{{.Values.x}}', '$(PGPASSWORD)'),
      },
      { requiredKeys: ['url'] },
    ),
    systemPrompt: variableValues.filter((text) => workspaceSchema.safeParse({ systemPrompt: text }).success),
    git: fc.record(
      {
        name: fc.constantFrom('Ada Lovelace', '# 1', 'yes', '漢字'),
        email: fc.constantFrom('ada@example.com', '0@1'),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

/** Documents with every field, valid and fitting {@link fullPlatform}. */
export const fullProjects: fc.Arbitrary<ProjectDocument> = fc
  .record(
    {
      project: projects,
      visibility: visibilities,
      backup: backups,
      release: releases,
      workspace: workspaces,
    },
    { requiredKeys: ['project'] },
  )
  .filter(({ project, release }) => project.spec.host !== release?.host)
  .map(({ project, visibility, backup, release, workspace }) => {
    const { sandbox, database, ...rest } = project.spec;
    return {
      ...project,
      spec: {
        ...rest,
        ...(workspace === undefined ? {} : { workspace }),
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
