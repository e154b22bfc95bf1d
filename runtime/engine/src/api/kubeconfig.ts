import { join } from 'node:path';
import { dump } from 'js-yaml';
import { writeFileDurably } from '../files/durable.js';

/** Everything a Kubernetes client needs to reach the engine, for its owner's eyes only. */
export async function writeKubeconfig(
  home: string,
  { port, token }: { port: number; token: string },
): Promise<string> {
  const path = join(home, 'kubeconfig');
  const name = 'fullstackagent';
  const text = dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
  await writeFileDurably(path, text, 0o600);
  return path;
}
