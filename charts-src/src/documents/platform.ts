import { z } from 'zod';
import { agent } from './agent.js';
import { API_VERSION } from './api-version.js';
import { objectName } from './names.js';
import { exposureSchema } from './exposure.js';
import { podLabels, quota, range } from './limits.js';
import { bytes, cpu } from './quantities.js';

/** What a size costs at most (limits); what is reserved (requests) is a share of it, see `presetResources`. */
const preset = z.strictObject({ cpu, memory: bytes });

/** A profile that somebody has put on the nodes: a path below the kubelet's folder of seccomp profiles. */
const seccompProfile = z
  .string()
  .max(253)
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/,
    'A seccomp profile is a path without "..".',
  );
/** The name of a profile that the nodes have loaded. */
const appArmorProfile = z
  .string()
  .regex(/^[A-Za-z0-9_./-]{1,255}$/, 'An AppArmor profile is named by what is loaded.');

/** How names of images begin. */
const registry = z
  .string()
  .max(255)
  .regex(/^[a-z0-9][a-z0-9.:-]*\/(?:[a-z0-9._-]+\/)*$/, 'A registry ends with "/".');

/**
 * `platform.yaml`: everything that rendering depends on and that is the same for all projects.
 * Changing it changes what every project renders to; the roll-out is planned, never a surprise (design, section 6).
 */
export const platformSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Platform'),
    metadata: z.strictObject({ name: z.literal('platform') }),
    spec: z.strictObject({
      exposure: exposureSchema,
      controller: z.strictObject({
        /** Where the controller runs; it alone may reach a sandbox's terminal. */
        namespace: objectName,
        serviceAccount: objectName,
        /** Of its pods; absent: any pod of the namespace is taken for it. */
        podLabels: podLabels.optional(),
      }),
      /** Where sandboxes reach the portal's API within the cluster; absent: they go through its public address. */
      portal: z
        .strictObject({
          namespace: objectName,
          port: z.int().min(1).max(65535),
          podLabels: podLabels.optional(),
        })
        .optional(),
      /**
       * Who applies what is rendered, where the applier needs an object of its own for each project. Absent: Argo CD's
       * ApplicationSets or the local engine, which find the folders themselves.
       */
      delivery: z
        .strictObject({
          /** A Kustomization for each project is rendered. */
          flux: z.strictObject({
            /** The GitRepository of branch `rendered`; absent: `platform`. */
            sourceName: objectName.optional(),
            /** Where it is; absent: `flux-system`. */
            sourceNamespace: objectName.optional(),
          }),
        })
        .optional(),
      sandbox: z.strictObject({
        defaultImage: z.string().min(1),
        allowedImages: z.array(z.string().min(1)).min(1),
        presets: z.record(z.string(), preset),
        defaultPreset: z.string().min(1),
        defaultStorage: bytes,
        storageClass: objectName.optional(),
        /** What starts in the first terminal of a project that says nothing; absent: Claude Code. */
        agent: agent.optional(),
        /**
         * Lets sandboxes make user namespaces, for buildah and podman. Absent: they meet Pod Security `restricted`. With it
         * they meet `baseline`, in a user namespace of their own. What it costs: docs/kubernetes.md.
         */
        userNamespaces: z
          .strictObject({
            /** It has to let an unprivileged program make namespaces, mount in them and chroot. */
            seccompProfile,
            /** Where the nodes have AppArmor: its default profile refuses every mount. */
            appArmorProfile: appArmorProfile.optional(),
          })
          .optional(),
      }),
      database: z.strictObject({
        /** The full name, `postgresql-<major>-<add-on version>`: a prefix would let KubeBlocks upgrade on its own. */
        componentDefs: z.record(z.string(), z.string().regex(/^[a-z0-9.-]{1,64}$/)),
        /** version a user picks -> KubeBlocks `serviceVersion`; the same keys as `componentDefs`. */
        serviceVersions: z.record(z.string(), z.string().regex(/^\d+\.\d+\.\d+$/)),
        defaultVersion: z.string().min(1),
        presets: z.record(z.string(), preset),
        defaultPreset: z.string().min(1),
        defaultStorage: bytes,
        storageClass: objectName.optional(),
        /** Where the KubeBlocks operator runs; `kb-system` where it is not said. */
        operatorNamespace: objectName.optional(),
        /** The API that the installation's KubeBlocks speaks: `v1` (1.0 and later, the default) or `v1alpha1` (0.9). */
        api: z.enum(['v1', 'v1alpha1']).optional(),
        /** Scheduled backups; absent: they are not offered. A BackupRepo has to exist. */
        backup: z
          .strictObject({
            /** The BackupRepo; absent: the cluster's default one. */
            repo: objectName.optional(),
            /** Where it is, as seen from a pod; absent: anywhere outside of what is blocked, on port 443. */
            storage: z.array(range).min(1).optional(),
          })
          .optional(),
      }),
      /** Releases of apps; absent: they are not offered. */
      release: z
        .strictObject({
          /** Where their images may come from, like "registry.example.com/releases/". */
          registries: z.array(registry).min(1),
          /** Images of workspaces, built in their sandboxes; absent: they are built elsewhere. */
          build: z
            .strictObject({
              /** Where they are pushed, as `<repository><namespace>/<project>`; one of `registries`, or below one. */
              repository: registry,
              /** What a workspace without a Dockerfile is built on; absent: Node.js 22 from Docker Hub. */
              nodeImage: z
                .string()
                .max(512)
                .regex(
                  /^[a-z0-9][a-z0-9._:/@-]*$/,
                  'An image is written like "docker.io/library/node:22-slim".',
                )
                .optional(),
            })
            .optional(),
        })
        .optional(),
      tenant: z.strictObject({
        /** A Tenant document may say otherwise, field by field. */
        quota,
        /** Ranges that sandboxes never reach: the cluster's own networks and the metadata service. */
        blockedEgress: z.array(range),
        /** Where the API server answers (node or endpoint addresses, after translation): databases need to reach it. */
        apiServers: z.array(range).optional(),
        /**
         * What every pod of a tenant has to meet. Absent: `baseline`, because KubeBlocks' PostgreSQL runs as root. With
         * `restricted` there are no databases.
         */
        podSecurity: z.enum(['baseline', 'restricted']).optional(),
      }),
      sealing: z.strictObject({
        /** PEM, one certificate: what the Sealed Secrets controller serves at `/v1/cert.pem`. */
        certificate: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
      }),
      retention: z.strictObject({
        /** How long a deleted project's volume and database are kept, in days. */
        deletedDays: z.int().min(0).max(3650),
      }),
      /**
       * What one commit may take away without an operator's approval: so many projects, or this part of all documents,
       * if that is more. Default: 5 projects or 10 %.
       */
      removalLimit: z
        .strictObject({ projects: z.int().min(0).max(100_000), percent: z.int().min(0).max(100) })
        .optional(),
      /** The renderer that is in force; a controller that does not know it refuses to render. */
      renderer: z.strictObject({ version: z.literal('1') }),
    }),
  })
  .superRefine((document, context) => {
    for (const [field, message] of [...missingDefaults(document.spec), ...cannotBuild(document.spec)])
      context.addIssue({ code: 'custom', path: ['spec', ...field.split('.')], message });
  });

interface Building {
  readonly sandbox: { readonly userNamespaces?: object | undefined };
  readonly release?:
    | { readonly registries: readonly string[]; readonly build?: { readonly repository: string } | undefined }
    | undefined;
  readonly tenant: { readonly podSecurity?: string | undefined };
}

/** What was built and may not be released, or what asks for more than a namespace lets it have, helps nobody. */
function cannotBuild({ sandbox, release, tenant }: Building): readonly (readonly [string, string])[] {
  const { userNamespaces } = sandbox;
  const { registries = [], build } = release ?? {};
  const checks: readonly (readonly [string, boolean, string])[] = [
    [
      'sandbox.userNamespaces',
      userNamespaces === undefined || tenant.podSecurity !== 'restricted',
      'Sandboxes with user namespaces do not meet "restricted", which spec.tenant.podSecurity enforces.',
    ],
    [
      'release.build',
      build === undefined || userNamespaces !== undefined,
      'Building an image in a sandbox needs spec.sandbox.userNamespaces.',
    ],
    [
      'release.build.repository',
      build === undefined || registries.some((allowed) => build.repository.startsWith(allowed)),
      'What is pushed there may not be released: it is below none of spec.release.registries.',
    ],
  ];
  return checks.flatMap(([field, isFine, message]) => (isFine ? [] : [[field, message] as const]));
}

interface Defaults {
  readonly sandbox: {
    readonly defaultImage: string;
    readonly allowedImages: readonly string[];
    readonly defaultPreset: string;
    readonly presets: object;
  };
  readonly database: {
    readonly defaultVersion: string;
    readonly componentDefs: object;
    readonly serviceVersions: object;
    readonly defaultPreset: string;
    readonly presets: object;
  };
}

/** A default that is not offered would make every new project one that cannot be rendered. */
function missingDefaults({ sandbox, database }: Defaults): readonly (readonly [string, string])[] {
  const checks: readonly (readonly [string, boolean, string])[] = [
    ['sandbox.defaultImage', sandbox.allowedImages.includes(sandbox.defaultImage), 'allowedImages'],
    ['sandbox.defaultPreset', Object.hasOwn(sandbox.presets, sandbox.defaultPreset), 'presets'],
    ['database.defaultPreset', Object.hasOwn(database.presets, database.defaultPreset), 'presets'],
    [
      'database.defaultVersion',
      Object.hasOwn(database.componentDefs, database.defaultVersion),
      'componentDefs',
    ],
    [
      'database.defaultVersion',
      Object.hasOwn(database.serviceVersions, database.defaultVersion),
      'serviceVersions',
    ],
  ];
  return checks.flatMap(([field, there, list]) =>
    there ? [] : [[field, `The default is not among ${list}.`] as const],
  );
}

export type PlatformDocument = z.infer<typeof platformSchema>;
