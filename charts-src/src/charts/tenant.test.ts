import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { API_VERSION, tenantSchema, type PlatformDocument, type TenantDocument } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { renderTenant } from '../render.js';
import { examplePlatform } from '../testing/arbitrary-documents.js';

const platformWith = (change: (spec: PlatformDocument['spec']) => void): PlatformDocument => {
  const copy = structuredClone(examplePlatform);
  change(copy.spec);
  return copy;
};

const tenantWith = (spec: Partial<TenantDocument['spec']> = {}): TenantDocument => ({
  apiVersion: API_VERSION,
  kind: 'Tenant',
  metadata: { name: 'ns-ajno7yq7' },
  spec: { displayName: 'Ada', members: [{ user: 'u1a2b3c4d5e6', role: 'owner' }], ...spec },
});

interface Parsed {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly rules: readonly unknown[];
}

const object = (file: string, platform = examplePlatform, tenant = tenantWith()): Parsed =>
  load(renderTenant({ platform, tenant, intent: 'x' }).get(file) ?? 'null') as Parsed;

const policy = (name: string, platform = examplePlatform, tenant = tenantWith()) =>
  (object(`networkpolicy-${name}.yaml`, platform, tenant) as Parsed | null)?.spec;

const workloads = (...values: string[]) => ({
  matchExpressions: [{ key: 'fullstackagent.dev/workload', operator: 'In', values }],
});
const sandbox = { matchLabels: { 'fullstackagent.dev/workload': 'sandbox' } };
const apps = workloads('release', 'sandbox');
const database = { matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks' } };
const backup = { matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks-dataprotection' } };
const inNamespace = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});
const tcp = (...ports: number[]) => ports.map((port) => ({ port, protocol: 'TCP' }));

const FULL = platformWith((spec) => {
  spec.portal = { namespace: 'portal-system', port: 3000, podLabels: { app: 'portal' } };
  spec.controller.podLabels = { app: 'controller' };
  spec.tenant.apiServers = ['192.0.2.1/32'];
  spec.database.backup = { storage: ['198.51.100.0/24'] };
  spec.exposure.tls = { mode: 'cert-manager', clusterIssuer: 'letsencrypt' };
});

describe('the openings of a tenant are exactly', () => {
  it.each<[string, object]>([
    ['default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }],
    [
      'dns',
      {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [
          {
            to: [{ ...inNamespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
            ports: [{ port: 53, protocol: 'UDP' }, ...tcp(53)],
          },
        ],
      },
    ],
    [
      'sandbox-to-database',
      {
        podSelector: apps,
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: database }], ports: tcp(5432, 6432) }],
      },
    ],
    [
      'database',
      {
        podSelector: database,
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          { from: [inNamespace('kb-system')] },
          { from: [{ podSelector: backup }], ports: tcp(5432, 6432) },
        ],
        egress: [
          { to: [{ podSelector: database }] },
          { to: [{ ipBlock: { cidr: '192.0.2.1/32' } }], ports: tcp(443, 6443) },
        ],
      },
    ],
    [
      'database-backup',
      {
        podSelector: backup,
        policyTypes: ['Egress'],
        egress: [
          { to: [{ podSelector: database }], ports: tcp(5432, 6432) },
          { to: [{ ipBlock: { cidr: '192.0.2.1/32' } }], ports: tcp(443, 6443) },
          { to: [{ ipBlock: { cidr: '198.51.100.0/24' } }] },
        ],
      },
    ],
    [
      'ingress-to-sandbox',
      { podSelector: apps, policyTypes: ['Ingress'], ingress: [{ from: [inNamespace('ingress-nginx')] }] },
    ],
    [
      'ingress-to-acme-solver',
      {
        podSelector: { matchLabels: { 'acme.cert-manager.io/http01-solver': 'true' } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [inNamespace('ingress-nginx')], ports: tcp(8089) }],
      },
    ],
    [
      'controller-to-terminal',
      {
        podSelector: sandbox,
        policyTypes: ['Ingress'],
        ingress: [
          {
            from: [
              {
                ...inNamespace('fullstackagent-system'),
                podSelector: { matchLabels: { app: 'controller' } },
              },
            ],
            ports: tcp(7681),
          },
        ],
      },
    ],
    [
      'sandbox-to-portal',
      {
        podSelector: sandbox,
        policyTypes: ['Egress'],
        egress: [
          {
            to: [{ ...inNamespace('portal-system'), podSelector: { matchLabels: { app: 'portal' } } }],
            ports: tcp(3000),
          },
        ],
      },
    ],
    [
      'internet',
      {
        podSelector: apps,
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              {
                ipBlock: {
                  cidr: '0.0.0.0/0',
                  except: ['10.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32'],
                },
              },
              {
                ipBlock: {
                  cidr: '::/0',
                  except: [
                    'fe80::/10',
                    'fd00:ec2::/32',
                    'fd20:ce::254/128',
                    'fd00:c1::a9fe:a9fe/128',
                    '64:ff9b::a00:0/104',
                    '64:ff9b::a9fe:0/112',
                    '64:ff9b::6464:64c8/128',
                    '64:ff9b::a83f:8110/128',
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  ])('%s', (name, expected) => {
    expect(policy(name, FULL)).toEqual(expected);
  });

  it('these, and no other', () => {
    const names = (platform: PlatformDocument): string[] =>
      [...renderTenant({ platform, tenant: tenantWith(), intent: 'x' }).keys()]
        .filter((file) => file.startsWith('networkpolicy-'))
        .map((file) => file.slice('networkpolicy-'.length, -'.yaml'.length))
        .sort();
    const always = [
      'controller-to-terminal',
      'database',
      'default-deny',
      'dns',
      'ingress-to-sandbox',
      'internet',
      'sandbox-to-database',
    ];
    expect(names(examplePlatform)).toEqual(always);
    expect(names(FULL)).toEqual(
      [...always, 'database-backup', 'ingress-to-acme-solver', 'sandbox-to-portal'].sort(),
    );
    const withCertificates = platformWith(
      (spec) => (spec.exposure.tls = { mode: 'cert-manager', clusterIssuer: 'letsencrypt' }),
    );
    expect(names(withCertificates)).toEqual([...always, 'ingress-to-acme-solver'].sort());
    const withoutDatabases = platformWith((spec) => {
      spec.tenant.podSecurity = 'restricted';
      spec.database.backup = {};
    });
    expect(names(withoutDatabases)).toEqual(always.filter((name) => !name.includes('database')));
  });

  it('never a rule with an empty list of peers or ports, which would open everything', () => {
    const everything = platformWith((spec) => {
      spec.tenant.blockedEgress = ['0.0.0.0/0', '::/0'];
      spec.tenant.apiServers = ['192.0.2.1/32'];
      spec.database.backup = {};
    });
    for (const platform of [examplePlatform, FULL, everything]) {
      const files = renderTenant({ platform, tenant: tenantWith(), intent: 'x' });
      for (const [file, text] of files) expect(text, file).not.toMatch(/(?:to|from|ports): \[\]/);
    }
    expect(policy('internet', everything)).toBeUndefined();
  });
});

describe('what a tenant may reach outside', () => {
  const blocks = (tenant: TenantDocument, platform = examplePlatform): unknown =>
    (
      policy('internet', platform, tenant)?.['egress'] as { to: { ipBlock: object }[] }[] | undefined
    )?.[0]?.to.map(({ ipBlock }) => ipBlock);

  it('is nothing with "none"', () => {
    expect(policy('internet', examplePlatform, tenantWith({ egress: { allow: 'none' } }))).toBeUndefined();
  });

  it('is what is allowed, less what the platform blocks within it', () => {
    const tenant = tenantWith({ egress: { allow: ['203.0.113.0/24', '8.0.0.0/5', '2001:db8::/32'] } });
    expect(blocks(tenant)).toEqual([
      { cidr: '203.0.113.0/24' },
      { cidr: '8.0.0.0/5', except: ['10.0.0.0/8'] },
      { cidr: '2001:db8::/32' },
    ]);
  });

  it.each(['10.1.0.0/16', '10.0.0.0/8', '169.254.169.254/32', 'fe80::1/128', '64:ff9b::a01:0/112'])(
    'is never %s, which is blocked',
    (cidr) => {
      const tenant = tenantWith({ egress: { allow: ['203.0.113.0/24', cidr] } });
      expect(() => renderTenant({ platform: examplePlatform, tenant, intent: 'x' })).toThrow(RenderError);
    },
  );

  it('is never where a cloud hands out identities, even where the platform forgot to say so', () => {
    const forgetful = platformWith((spec) => (spec.tenant.blockedEgress = []));
    const text = JSON.stringify(blocks(tenantWith(), forgetful));
    for (const range of ['169.254.0.0/16', '64:ff9b::a9fe:0/112', 'fd00:ec2::/32', 'fd20:ce::254/128'])
      expect(text).toContain(range);
  });

  it.each([[[]], ['all'], [['not a range']], [['10.0.0.0']]])('is not %j', (allow) => {
    const document = { ...tenantWith(), spec: { ...tenantWith().spec, egress: { allow } } };
    expect(tenantSchema.safeParse(document).success).toBe(false);
  });
});

describe('where a database looks for the API server', () => {
  const peers = (tenant = tenantWith(), platform = examplePlatform): unknown =>
    (policy('database', platform, tenant)?.['egress'] as { to: { ipBlock: object }[] }[])[1]?.to.map(
      ({ ipBlock }) => ipBlock,
    );
  const EVERYWHERE = [
    { cidr: '0.0.0.0/0', except: ['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32'] },
    {
      cidr: '::/0',
      except: [
        'fe80::/10',
        'fd00:ec2::/32',
        'fd20:ce::254/128',
        'fd00:c1::a9fe:a9fe/128',
        '64:ff9b::a9fe:0/112',
        '64:ff9b::6464:64c8/128',
        '64:ff9b::a83f:8110/128',
      ],
    },
  ];

  it('is where the platform says it is, and nowhere else', () => {
    expect(peers(tenantWith({ egress: { allow: 'none' } }), FULL)).toEqual([{ cidr: '192.0.2.1/32' }]);
  });

  it('may be anywhere, but never where identities are handed out, for who may go everywhere', () => {
    expect(peers()).toEqual(EVERYWHERE);
  });

  it.each([{ allow: 'none' as const }, { allow: ['203.0.113.0/24'] }])(
    "is in the cluster's own networks for who is confined: its owner starts programs beside it (%j)",
    (egress) => {
      expect(peers(tenantWith({ egress }))).toEqual([{ cidr: '10.0.0.0/8' }]);
    },
  );

  it.each([[[]], [['169.254.0.0/16']], [['0.0.0.0/0', '::/0']]])(
    'has to be said where the platform knows no networks of its own: %j',
    (blocked) => {
      const platform = platformWith((spec) => (spec.tenant.blockedEgress = blocked));
      const tenant = tenantWith({ egress: { allow: 'none' } });
      expect(() => renderTenant({ platform, tenant, intent: 'x' })).toThrow(/tenant\.apiServers/);
      const without = platformWith((spec) => {
        spec.tenant.blockedEgress = blocked;
        spec.tenant.podSecurity = 'restricted';
      });
      expect(() => renderTenant({ platform: without, tenant, intent: 'x' })).not.toThrow();
    },
  );
});

describe('the limits of a tenant', () => {
  it("are the platform's, but for what the document says otherwise", () => {
    const hard = (tenant: TenantDocument): unknown =>
      object('resourcequota-tenant.yaml', examplePlatform, tenant).spec['hard'];
    const platforms = {
      'limits.cpu': '16',
      'limits.memory': '32Gi',
      'requests.storage': '200Gi',
      persistentvolumeclaims: '40',
      pods: '40',
      'services.loadbalancers': '0',
      'services.nodeports': '0',
    };
    expect(hard(tenantWith())).toEqual(platforms);
    expect(hard(tenantWith({ quota: { cpu: undefined, memory: '2048Mi', pods: 3 } }))).toEqual({
      ...platforms,
      'limits.memory': '2Gi',
      pods: '3',
    });
  });

  it('let every container of a side car start: each gets limits', () => {
    expect(object('limitrange-tenant.yaml').spec['limits']).toEqual([
      {
        type: 'Container',
        default: { cpu: '500m', 'ephemeral-storage': '10Gi', memory: '512Mi' },
        defaultRequest: { cpu: '50m', 'ephemeral-storage': '64Mi', memory: '64Mi' },
      },
    ]);
  });

  it('are those of Pod Security: what databases need, or more where there are none', () => {
    const enforced = (platform: PlatformDocument): string | undefined =>
      object('namespace-ns-ajno7yq7.yaml', platform).metadata.labels['pod-security.kubernetes.io/enforce'];
    expect(enforced(examplePlatform)).toBe('baseline');
    expect(enforced(platformWith((spec) => (spec.tenant.podSecurity = 'restricted')))).toBe('restricted');
  });
});

describe('the controller', () => {
  it('may do exactly this in a tenant', () => {
    expect(object('role-fullstackagent-controller.yaml').rules).toEqual([
      { apiGroups: [''], resources: ['configmaps', 'persistentvolumeclaims', 'services'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['get'] },
      { apiGroups: ['apps.kubeblocks.io'], resources: ['clusters'], verbs: ['get'] },
      { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['get'] },
      { apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['get'] },
      { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: ['get'] },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get'] },
      { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['get'] },
      { apiGroups: ['dataprotection.kubeblocks.io'], resources: ['backups'], verbs: ['list'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['create', 'get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
    ]);
  });
});

describe('the accounts of a tenant', () => {
  const files = renderTenant({ platform: examplePlatform, tenant: tenantWith(), intent: 'x' });

  it('get no token into a pod', () => {
    const accounts = [...files].filter(([file]) => file.startsWith('serviceaccount-'));
    expect(accounts.map(([file]) => file)).toEqual(
      ['applier', 'release', 'sandbox'].map((name) => `serviceaccount-${name}.yaml`),
    );
    for (const [file, text] of accounts)
      expect(text, file).toContain('automountServiceAccountToken: false\n');
  });

  it('are bound to nothing but: the applier to its ClusterRole, within the namespace', () => {
    const bindings = [...files].flatMap(([file, text]) =>
      file.startsWith('rolebinding-') ? [load(text) as { roleRef: object; subjects: object[] }] : [],
    );
    expect(bindings.map(({ roleRef, subjects }) => ({ roleRef, subjects }))).toEqual([
      {
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'fullstackagent-applier',
        },
        subjects: [{ kind: 'ServiceAccount', name: 'applier', namespace: 'ns-ajno7yq7' }],
      },
      {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'fullstackagent-controller' },
        subjects: [{ kind: 'ServiceAccount', name: 'controller', namespace: 'fullstackagent-system' }],
      },
    ]);
  });
});
