import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { ROOT } from '../support/folders.js';
import { until } from '../support/until.js';
import { ApiServer, CRDS, missingForApiServer } from './api-server.js';
import { ControllerProcess } from './controller.js';

const missing = missingForApiServer();
const NOW = new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/**
 * The controller with the rights of its own account, and what it rendered on a real API server. Nothing runs there: the
 * test writes the statuses that Flux or Argo CD, the StatefulSet controller and a kubelet would write.
 */
describe('a project on a cluster comes to run', () => {
  const server = new ApiServer();
  /** What Argo CD would be told. */
  const told: string[] = [];
  const webhook = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      told.push(body);
      response.end();
    });
  });

  beforeAll(async () => {
    if (missing !== undefined) return;
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    await server.start();
    server.kubectl('apply', '--server-side', '-f', CRDS);
    server.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
    await until('the new kinds are served', () => server.kubectl('api-resources').includes('kustomizations'));
    for (const namespace of ['flux-system', 'argocd']) server.kubectl('create', 'namespace', namespace);
    for (const folder of ['controller', 'flux', 'argocd'])
      for (const file of readdirSync(join(ROOT, 'gitops-template', folder)))
        apply(readFileSync(join(ROOT, 'gitops-template', folder, file), 'utf8'));
  });

  afterAll(async () => {
    webhook.closeAllConnections();
    webhook.close();
    await server.stop();
  });

  beforeEach((context) => {
    needs(context, 'kubectl', 'git');
    context.skip(missing !== undefined, missing);
  });

  const apply = (manifests: string): string =>
    server.kubectlWith(manifests, 'apply', '--server-side', '--force-conflicts', '-f', '-');

  const setStatus = (object: string, namespace: string, status: object): void => {
    const patch = JSON.stringify({ status });
    const to = ['patch', object, '-n', namespace, '--type=merge', `--patch=${patch}`];
    // Applications have no subresource for it.
    server.kubectl(...to, ...(object.startsWith('applications') ? [] : ['--subresource=status']));
  };

  /** What the StatefulSet controller, the scheduler, the kubelet and the storage would do. */
  const run = (namespace: string): void => {
    const set = JSON.parse(server.kubectl('get', 'statefulset', 'blog', '-n', namespace, '-o', 'json')) as {
      metadata: { generation: number };
      spec: { template: { metadata: object; spec: object } };
    };
    const { metadata, spec } = set.spec.template;
    apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name: 'blog-0', namespace },
        spec,
      }),
    );
    setStatus('pod/blog-0', namespace, {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: NOW }],
      containerStatuses: [
        {
          name: 'sandbox',
          image: 'x',
          imageID: 'x',
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: NOW } },
        },
      ],
    });
    setStatus('statefulset/blog', namespace, {
      observedGeneration: set.metadata.generation,
      replicas: 1,
      readyReplicas: 1,
      currentReplicas: 1,
      updatedReplicas: 1,
      availableReplicas: 1,
      currentRevision: 'blog-1',
      updateRevision: 'blog-1',
    });
    setStatus('persistentvolumeclaim/blog--workspace', namespace, { phase: 'Bound' });
    setStatus('sealedsecret/blog--terminal', namespace, {
      conditions: [{ type: 'Synced', status: 'True' }],
    });
  };

  const source = (path: string): object => ({
    repoURL: 'https://git.example.com/org/gitops.git',
    targetRevision: 'rendered',
    path,
  });

  const flux = {
    webhook: (): Readonly<Record<string, string>> => ({}),
    isWoken: (): boolean =>
      server
        .kubectl('get', 'gitrepository', 'platform', '-n', 'flux-system', '-o', 'json')
        .includes('"reconcile.fluxcd.io/requestedAt"'),
    /** As it is rendered, and as the account that Flux applies it with. */
    apply: (controller: ControllerProcess, namespace: string): void => {
      const folder = `platform/projects/${namespace.slice(3, 5)}/${namespace}/blog`;
      const manifests = controller.rendered(folder)?.manifests ?? '';
      const as = '--as=system:serviceaccount:flux-system:platform';
      server.kubectlWith(manifests, 'apply', '--server-side', '-f', '-', as);
    },
    applied: (namespace: string, _path: string, commit: string): void => {
      setStatus('kustomizations.kustomize.toolkit.fluxcd.io/blog', namespace, {
        observedGeneration: 1,
        lastAppliedRevision: `rendered@sha1:${commit}`,
        lastAttemptedRevision: `rendered@sha1:${commit}`,
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'ReconciliationSucceeded',
            message: 'ok',
            lastTransitionTime: NOW,
          },
        ],
      });
    },
  };

  const argocd = {
    webhook: (controller: ControllerProcess): Readonly<Record<string, string>> => ({
      ARGOCD_WEBHOOKS: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/api/webhook`,
      ARGOCD_WEBHOOK_SECRET_FILE: controller.write('webhook', 'shared'),
      GITOPS_URL: 'https://git.example.com/org/gitops.git',
    }),
    isWoken: (commit: string): boolean => told.some((body) => body.includes(`"after":"${commit}"`)),
    /** As the ApplicationSet would make it. */
    apply: (_controller: ControllerProcess, namespace: string, path: string): void => {
      const application = {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: {
          name: `${namespace}-blog`,
          namespace: 'argocd',
          labels: { 'app.kubernetes.io/managed-by': 'fullstackagent' },
        },
        spec: {
          project: 'fullstackagent-projects',
          source: source(path),
          destination: { server: 'https://kubernetes.default.svc', namespace },
          syncPolicy: { automated: { enabled: true, prune: true } },
        },
      };
      apply(JSON.stringify(application));
    },
    applied: (namespace: string, path: string, commit: string): void => {
      setStatus(`applications.argoproj.io/${namespace}-blog`, 'argocd', {
        sync: {
          status: 'Synced',
          revision: commit,
          comparedTo: {
            source: source(path),
            destination: { server: 'https://kubernetes.default.svc', namespace },
          },
        },
        health: { status: 'Healthy' },
      });
    },
  };

  it.for([
    { delivery: 'flux' as const, namespace: 'ns-fluxflux', applier: flux },
    { delivery: 'argocd' as const, namespace: 'ns-argoargo', applier: argocd },
  ])('reported by $delivery', async ({ delivery, namespace, applier }, { onTestFinished }) => {
    const controller = new ControllerProcess();
    onTestFinished(() => controller.stop());
    const env = { DELIVERY: delivery, ...applier.webhook(controller) };
    await controller.start(server.kubeconfigOf('fullstackagent-system', 'controller'), env);
    await controller.create(namespace, 'blog');
    const folder = `tenants/${namespace.slice(3, 5)}/${namespace}`;
    const path = `${folder}/blog`;
    const tenant = await until('the tenant is rendered', () => controller.rendered(`platform/${folder}`));
    const project = await until('the project is rendered', () => controller.rendered(path));
    await until('the applier is woken', () => applier.isWoken(project.commit));
    apply(tenant.manifests);
    apply(project.manifests);
    run(namespace);
    applier.apply(controller, namespace, path);
    // Everything runs, and nobody has said yet that this is what was asked for.
    await until('the controller sees it start', async () => {
      const { status } = await controller.project(namespace, 'blog');
      return status === 'STARTING';
    });
    applier.applied(namespace, path, project.commit);
    const running = await until('RUNNING', async () => {
      const now = await controller.project(namespace, 'blog');
      if (now.status !== 'RUNNING') throw new Error(JSON.stringify(now));
      return now;
    });
    expect(running.status).toBe('RUNNING');
  });
});
