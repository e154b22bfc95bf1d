import { join } from 'node:path';
import { dump } from 'js-yaml';
import { writeFileDurably } from '../files/durable.js';

interface Access {
  readonly port: number;
  readonly token: string;
  /** PEM: what the server is checked against. */
  readonly certificate: string;
}

/** Everything a Kubernetes client needs to reach the engine, for its owner's eyes only. */
export async function writeKubeconfig(home: string, { port, token, certificate }: Access): Promise<string> {
  const path = join(home, 'kubeconfig');
  const name = 'fullstackagent';
  const text = dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(certificate).toString('base64'),
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
  await writeFileDurably(path, text, 0o600);
  return path;
}
