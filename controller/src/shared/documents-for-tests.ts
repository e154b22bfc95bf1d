import {
  API_VERSION,
  writeDocument,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import { certificate } from './sealing-key-for-tests.js';

export const NAMESPACE = 'ns-ab3cd4ef';
export const OWNER = 'owner00001';

export const platform: PlatformDocument = {
  apiVersion: API_VERSION,
  kind: 'Platform',
  metadata: { name: 'platform' },
  spec: {
    exposure: {
      domain: 'apps.example.com',
      ingressClass: 'nginx',
      tls: { mode: 'none' },
      ingressNamespace: 'ingress',
    },
    controller: { namespace: 'fullstackagent', serviceAccount: 'controller' },
    sandbox: {
      defaultImage: 'registry.example.com/sandbox:1.0.0',
      allowedImages: ['registry.example.com/sandbox:1.0.0'],
      presets: { small: { cpu: '1', memory: '2Gi' }, large: { cpu: '4', memory: '8Gi' } },
      defaultPreset: 'small',
      defaultStorage: '10Gi',
    },
    database: {
      componentDefs: { '16': 'postgresql-16-1.0.0' },
      serviceVersions: { '16': '16.4.0' },
      defaultVersion: '16',
      presets: { small: { cpu: '500m', memory: '512Mi' } },
      defaultPreset: 'small',
      defaultStorage: '5Gi',
    },
    tenant: {
      quota: { cpu: '40', memory: '80Gi', storage: '500Gi', pods: 100, volumes: 100 },
      blockedEgress: ['10.0.0.0/8'],
    },
    sealing: { certificate },
    retention: { deletedDays: 14 },
    renderer: { version: '1' },
  },
};

export const platformText = writeDocument(platform);

export const tenant: TenantDocument = {
  apiVersion: API_VERSION,
  kind: 'Tenant',
  metadata: { name: NAMESPACE },
  spec: { displayName: 'Ada', members: [{ user: OWNER, role: 'owner' }] },
};

/** Not sealed by anybody: for what only looks at the document. */
export const SEALED_TEXT = 'AgAxMjM0NTY3ODkwYWJjZGVm';

export function project(name: string, spec: Partial<ProjectDocument['spec']> = {}): ProjectDocument {
  return {
    apiVersion: API_VERSION,
    kind: 'Project',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      displayName: name,
      state: 'Running',
      host: hostOf(name),
      sandbox: { image: platform.spec.sandbox.defaultImage, preset: 'small', storage: '10Gi' },
      terminal: { sealedToken: SEALED_TEXT },
      env: [],
      ...spec,
    },
  };
}

/** A host of a project's own, the same at each run. */
export const hostOf = (name: string): string => `${name.replace(/[^a-z0-9]/g, '')}000000000000`.slice(0, 12);
