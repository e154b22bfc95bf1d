import { z } from 'zod';
import { objectName } from './names.js';
import { bytes } from './quantities.js';

/** Room is left for `<host>-<port name>.` before it: a host name has at most 253 characters. */
const domain = z
  .string()
  .max(200)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'A domain is lower-case labels joined by dots.',
  );

const tls = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none') }),
  /** The Secret has to be in every tenant's namespace: an Ingress cannot name one of another. */
  z.strictObject({ mode: z.literal('wildcard'), secretName: objectName }),
  z.strictObject({ mode: z.literal('cert-manager'), clusterIssuer: objectName }),
  /** The gateway's listener holds the certificate. */
  z.strictObject({ mode: z.literal('gateway') }),
]);

/**
 * Becomes an annotation that a proxy puts into its own configuration: nothing in it may end a word, a line or a block, or
 * be a variable there.
 */
const address = z
  .string()
  .max(500)
  .regex(
    /^https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~=&/-]*)?$/,
    'An address is written like "https://portal.example.com/api/forward-auth".',
  );

/** members: who may see the project. public: everybody. */
export const visibility = z.enum(['members', 'public']);

export type Visibility = z.infer<typeof visibility>;

export const exposureSchema = z
  .strictObject({
    /** `<host>.<domain>` is an app, `<host>-ttyd.<domain>` its terminal. */
    domain,
    /** What hands requests on is an Ingress of this class, */
    ingressClass: objectName.optional(),
    /**
     * or an HTTPRoute of the Gateway API (v1, with timeouts: 1.2 or later). The Gateway has to allow routes of tenants.
     * `sectionName` is one of its listeners; without it a route is for all of them, one that speaks plain HTTP among them.
     */
    gateway: z
      .strictObject({ name: objectName, namespace: objectName, sectionName: objectName.optional() })
      .optional(),
    tls,
    /** The namespace whose pods may reach sandboxes from outside: where the ingress controller or the gateway runs. */
    ingressNamespace: objectName,
    /**
     * Who asks `url` before each request of a URL that is for members, and sends who is not signed in to `signIn`.
     * Absent: nobody is asked, and every URL is open to whoever knows it.
     */
    forwardAuth: z.strictObject({ url: address, signIn: address }).optional(),
    /** Whom an app is for where its project does not say; absent: members. */
    visibility: visibility.optional(),
    /** The largest request body that is passed on; absent: any. */
    bodyLimit: bytes.optional(),
  })
  .superRefine((exposure, context) => {
    const {
      ingressClass,
      gateway,
      tls: { mode },
      forwardAuth,
      bodyLimit,
    } = exposure;
    const hasGateway = gateway !== undefined;
    const checks: readonly (readonly [string, boolean, string])[] = [
      [
        'ingressClass',
        (ingressClass === undefined) === hasGateway,
        'Requests come in through an ingressClass or a gateway: exactly one of them is named.',
      ],
      [
        'tls',
        hasGateway ? ['none', 'gateway'].includes(mode) : mode !== 'gateway',
        hasGateway
          ? 'With a gateway its listener holds the certificate: the mode is "gateway", or "none" without TLS.'
          : 'The mode "gateway" needs a gateway.',
      ],
      [
        'gateway.sectionName',
        mode !== 'gateway' || gateway === undefined || gateway.sectionName !== undefined,
        'With TLS, name the listener of the gateway that speaks HTTPS. A route that names none answers plain HTTP too, where the gateway listens for it.',
      ],
      ['forwardAuth', !hasGateway || forwardAuth === undefined, cannot('ask for permission')],
      ['bodyLimit', !hasGateway || bodyLimit === undefined, cannot('limit a body')],
    ];
    for (const [field, isFine, message] of checks)
      if (!isFine) context.addIssue({ code: 'custom', path: field.split('.'), message });
  });

const cannot = (what: string): string =>
  `An HTTPRoute cannot ${what}: the Gateway API has no standard field for it. Configure the gateway itself.`;
