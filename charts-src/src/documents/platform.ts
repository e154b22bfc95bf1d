import { z } from 'zod';
import { API_VERSION } from './api-version.js';
import { bytes, cpu } from './quantities.js';

const tls = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none') }),
  z.strictObject({ mode: z.literal('wildcard'), secretName: z.string().min(1) }),
  z.strictObject({ mode: z.literal('cert-manager'), clusterIssuer: z.string().min(1) }),
]);

/** What a size costs: limits; requests are a share of them (`requestShare`), so that a node can be overcommitted. */
const preset = z.strictObject({ cpu, memory: bytes });

/**
 * `platform.yaml`: everything that rendering depends on and that is the same for all projects.
 * Changing it changes what every project renders to; the roll-out is planned, never a surprise (design, section 6).
 */
export const platformSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Platform'),
  metadata: z.strictObject({ name: z.literal('platform') }),
  spec: z.strictObject({
    exposure: z.strictObject({
      /** `<host>.<domain>` is an app, `<host>-ttyd.<domain>` its terminal. */
      domain: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'A domain is lower-case labels joined by dots.'),
      ingressClass: z.string().min(1),
      tls,
      /** The namespace whose pods may reach sandboxes from outside: where the ingress controller runs. */
      ingressNamespace: z.string().min(1),
    }),
    controller: z.strictObject({
      /** Where the controller runs; it alone may reach a sandbox's terminal. */
      namespace: z.string().min(1),
      serviceAccount: z.string().min(1),
    }),
    sandbox: z.strictObject({
      defaultImage: z.string().min(1),
      allowedImages: z.array(z.string().min(1)).min(1),
      presets: z.record(z.string(), preset),
      defaultPreset: z.string().min(1),
      defaultStorage: bytes,
      storageClass: z.string().min(1).optional(),
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
      storageClass: z.string().min(1).optional(),
    }),
    tenant: z.strictObject({
      quota: z.strictObject({
        cpu,
        memory: bytes,
        storage: bytes,
        pods: z.int().min(1).max(1000),
        volumes: z.int().min(1).max(1000),
      }),
      /** Ranges that sandboxes never reach: the cluster's own networks and the metadata service. */
      blockedEgress: z.array(z.string().regex(/^[0-9a-f.:]+\/\d{1,3}$/)),
    }),
    sealing: z.strictObject({
      /** PEM, one certificate: what the Sealed Secrets controller serves at `/v1/cert.pem`. */
      certificate: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
    }),
    retention: z.strictObject({
      /** How long a deleted project's volume and database are kept, in days. */
      deletedDays: z.int().min(0).max(3650),
    }),
    /** The renderer that is in force; a controller that does not know it refuses to render. */
    renderer: z.strictObject({ version: z.literal('1') }),
  }),
});

export type PlatformDocument = z.infer<typeof platformSchema>;
