import fc from 'fast-check';
import { API_VERSION, tenantSchema, type PlatformDocument, type TenantDocument } from '../documents/index.js';
import { fullPlatform } from './arbitrary-full-documents.js';

const v4 = fc
  .tuple(
    fc.constantFrom('203.0.113.0', '198.51.100.0', '8.8.0.0', '20.0.0.0'),
    fc.integer({ min: 5, max: 32 }),
  )
  .map(([address, prefix]) => `${address}/${prefix}`);
const v6 = fc.integer({ min: 24, max: 64 }).map((prefix) => `2001:db8::/${prefix}`);

const quotas = fc.record(
  {
    cpu: fc.constantFrom('2', '500m', '64'),
    memory: fc.constantFrom('4Gi', '2048Mi', '512Mi'),
    storage: fc.constantFrom('100Gi', '2048Gi'),
    pods: fc.integer({ min: 1, max: 500 }),
    volumes: fc.integer({ min: 1, max: 500 }),
  },
  { requiredKeys: [] },
);

/** Tenants that are valid and that {@link platforms} can be rendered with. */
export const tenants: fc.Arbitrary<TenantDocument> = fc
  .record(
    {
      displayName: fc.constantFrom('Ada', 'yes', '0x1', '---', '漢字', 'a: b', '#c', '{{ x }}'),
      egress: fc.record({
        allow: fc.oneof(
          fc.constant('none' as const),
          fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 5 }),
        ),
      }),
      quota: quotas,
    },
    { requiredKeys: ['displayName'] },
  )
  .map((spec): TenantDocument => ({
    apiVersion: API_VERSION,
    kind: 'Tenant',
    metadata: { name: 'ns-ajno7yq7' },
    spec: { members: [{ user: 'u1a2b3c4d5e6', role: 'owner' }], ...spec },
  }))
  .filter((tenant) => tenantSchema.safeParse(tenant).success);

const labels = fc.constantFrom({ app: 'controller' }, { 'app.kubernetes.io/name': 'x', y: 'no' });

const exposures: fc.Arbitrary<Omit<PlatformDocument['spec']['exposure'], 'domain' | 'ingressNamespace'>> =
  fc.oneof(
    fc.constant({ ingressClass: 'nginx', tls: { mode: 'none' as const } }),
    fc.constant({ ingressClass: 'traefik', tls: { mode: 'wildcard' as const, secretName: 'wildcard' } }),
    fc.constant({
      ingressClass: 'nginx',
      tls: { mode: 'cert-manager' as const, clusterIssuer: 'letsencrypt' },
      forwardAuth: { url: 'https://portal.example.com/auth', signIn: 'https://portal.example.com/login' },
      bodyLimit: '64Mi',
    }),
    fc.constant({
      gateway: { name: 'gw', namespace: 'gateways', sectionName: 'https' },
      tls: { mode: 'gateway' as const },
    }),
  );

/** What an operator may choose; every one offers what documents ask for. */
export const platforms: fc.Arbitrary<PlatformDocument> = fc
  .record({
    exposure: exposures,
    podLabels: fc.option(labels, { nil: undefined }),
    portal: fc.boolean(),
    flux: fc.boolean(),
    api: fc.constantFrom('v1' as const, 'v1alpha1' as const, undefined),
    storage: fc.option(fc.constant<string[]>(['203.0.113.7/32']), { nil: undefined }),
    apiServers: fc.option(fc.constant<string[]>(['192.0.2.1/32']), { nil: undefined }),
    blocked: fc.constantFrom<string[]>(['10.0.0.0/8'], ['10.0.0.0/8', '169.254.0.0/16', 'fc00::/7']),
  })
  .map(({ exposure, podLabels, portal, flux, api, storage, apiServers, blocked }) => {
    const { spec } = fullPlatform;
    const { domain, ingressNamespace } = spec.exposure;
    return {
      ...fullPlatform,
      spec: {
        ...spec,
        exposure: { domain, ingressNamespace, ...exposure },
        controller: { ...spec.controller, ...(podLabels === undefined ? {} : { podLabels }) },
        ...(portal
          ? { portal: { namespace: 'portal-system', port: 3000, ...(podLabels && { podLabels }) } }
          : {}),
        ...(flux ? { delivery: { flux: {} } } : {}),
        database: {
          ...spec.database,
          ...(api === undefined ? {} : { api }),
          backup: { ...(storage === undefined ? {} : { storage }) },
        },
        tenant: {
          ...spec.tenant,
          blockedEgress: blocked,
          ...(apiServers === undefined ? {} : { apiServers }),
        },
      },
    };
  });
