import { readFile } from 'node:fs/promises';
import { dump } from 'js-yaml';
import { writeFileDurably } from '../files/durable.js';

export interface SeedFacts {
  /** PEM: what secrets of this installation are sealed with. */
  readonly sealingCertificate: string;
}

/**
 * The Platform document that a new repository starts with when the local engine runs it. Afterwards the document on
 * branch `main` counts, and this file is never read again. Names of a cluster are what a move to one would find there.
 */
export function platformDocument(facts: SeedFacts): object {
  const presets = {
    small: { cpu: '1', memory: '2Gi' },
    medium: { cpu: '2', memory: '4Gi' },
    large: { cpu: '4', memory: '8Gi' },
  };
  return {
    apiVersion: 'fullstackagent.dev/v1alpha1',
    kind: 'Platform',
    metadata: { name: 'platform' },
    spec: {
      exposure: {
        domain: 'localhost',
        ingressClass: 'local',
        tls: { mode: 'none' },
        ingressNamespace: 'ingress-system',
      },
      controller: { namespace: 'fullstackagent-system', serviceAccount: 'controller' },
      sandbox: {
        defaultImage: SANDBOX_IMAGE,
        allowedImages: [SANDBOX_IMAGE],
        presets,
        defaultPreset: 'medium',
        defaultStorage: '10Gi',
      },
      database: {
        componentDefs: { '16': 'postgresql-16-1.0.2' },
        serviceVersions: { '16': '16.9.0' },
        defaultVersion: '16',
        presets: {
          small: { cpu: '500m', memory: '512Mi' },
          medium: { cpu: '1', memory: '1Gi' },
          large: { cpu: '2', memory: '4Gi' },
        },
        defaultPreset: 'small',
        defaultStorage: '10Gi',
        // Made and kept by the engine.
        backup: {},
      },
      // Snapshots of workspaces, kept by the engine: there is nothing here that would run an image of a registry.
      release: { registries: ['snapshot.local/'] },
      tenant: {
        quota: { cpu: '64', memory: '128Gi', storage: '1000Gi', pods: 100, volumes: 200 },
        blockedEgress: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
      },
      sealing: { certificate: facts.sealingCertificate },
      retention: { deletedDays: 14 },
      renderer: { version: '1' },
    },
  };
}

const SANDBOX_IMAGE = 'fullstackagent/sandbox:0.1.0';

export async function writeSeed(file: string, facts: SeedFacts): Promise<void> {
  const text = dump(platformDocument(facts), { noRefs: true, lineWidth: -1 });
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== text) await writeFileDurably(file, text, 0o600);
}
