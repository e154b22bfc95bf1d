import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeError } from '../shared/kube-api.js';
import type { Patch } from './wake.js';

const ANSWER_LIMIT_MS = 10_000;

/** The one write of the controller to a cluster: a merge patch (RFC 7386) that wakes an applier. */
export function mergePatch(load: () => Promise<KubeConfig>): Patch {
  return async (path, change) => {
    const status = await send(load, path, JSON.stringify(change)).catch((error: unknown) => {
      throw new KubeError('The cluster cannot be reached.', undefined, error);
    });
    if (status !== 200) throw new KubeError(`${path}: answered ${status}`, status);
  };
}

async function send(load: () => Promise<KubeConfig>, path: string, body: string): Promise<number> {
  const config = await load();
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('The kubeconfig names no cluster.');
  const url = new URL(server.replace(/\/$/, '') + path);
  const options: https.RequestOptions = {
    method: 'PATCH',
    headers: { Accept: 'application/json', 'Content-Type': 'application/merge-patch+json' },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  };
  await config.applyToHTTPSOptions(options);
  const { request } = url.protocol === 'http:' ? http : https;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      // Nothing in the answer is of use here; it has to be read for the connection to be free again.
      response.resume();
      response.once('end', () => {
        resolve(response.statusCode ?? 0);
      });
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
