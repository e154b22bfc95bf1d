import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/folders.js';
import { until } from '../support/until.js';
import { CRDS, type ApiServer } from './api-server.js';

/** A started API server with what an installation has: the kinds, and the accounts and rights of the template. */
export async function install(server: ApiServer): Promise<void> {
  await server.start();
  server.kubectl('apply', '--server-side', '-f', CRDS);
  server.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
  await until('the new kinds are served', () => server.kubectl('api-resources').includes('kustomizations'));
  for (const namespace of ['flux-system', 'argocd']) server.kubectl('create', 'namespace', namespace);
  for (const folder of ['controller', 'flux', 'argocd'])
    for (const file of readdirSync(join(ROOT, 'gitops-template', folder)))
      applyAs(server, 'kubectl', readFileSync(join(ROOT, 'gitops-template', folder, file), 'utf8'));
}

/** As Flux applies: on the server, its fields only, by force. */
export const applyAs = (server: ApiServer, manager: string, manifests: string): string =>
  server.kubectlWith(
    manifests,
    ...['apply', '--server-side', '--force-conflicts', `--field-manager=${manager}`, '-f', '-'],
  );
