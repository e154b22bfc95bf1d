import { load } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { ApiServer, missingForApiServer } from './api-server.js';
import { golden } from './golden.js';

const missing = missingForApiServer();
const NAMESPACE = 'ns-nested01';

/** What Kubernetes' own admission says about a sandbox that may make user namespaces. */
describe('a sandbox with user namespaces, on a real API server', () => {
  const server = new ApiServer();

  beforeAll(async () => {
    if (missing !== undefined) return;
    await server.start();
    server.kubectlWith(golden('tenant-user-namespaces', NAMESPACE), 'apply', '--server-side', '-f', '-');
  });

  afterAll(() => server.stop());

  beforeEach((context) => {
    needs(context, 'kubectl');
    context.skip(missing !== undefined, missing);
  });

  /** As its StatefulSet would make it. */
  function podOf(example: string, namespace: string): string {
    const documents = golden(example, namespace).split('---\n');
    const set = documents.find((text) => text.includes('kind: StatefulSet'));
    const { spec } = load(set ?? '') as { spec: { template: { metadata: object; spec: object } } };
    const { metadata, spec: pod } = spec.template;
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: example, namespace },
      spec: pod,
    });
  }

  const create = (pod: string): string =>
    server.kubectlWith(pod, 'create', '--validate=strict', '-o', 'json', '-f', '-');

  it.each(['user-namespaces', 'user-namespaces-apparmor'])('%s is admitted, as it is written', (example) => {
    const pod = podOf(example, NAMESPACE);
    const created = JSON.parse(create(pod)) as { spec: Record<string, unknown> };
    const { spec } = JSON.parse(pod) as { spec: { securityContext: object; containers: object[] } };
    expect(created.spec['hostUsers']).toBe(false);
    expect(created.spec['securityContext']).toEqual(spec.securityContext);
    expect(created.spec['containers']).toEqual([
      expect.objectContaining({
        securityContext: {
          allowPrivilegeEscalation: true,
          capabilities: { add: ['SETGID', 'SETUID'], drop: ['ALL'] },
          privileged: false,
        },
      }),
    ]);
  });

  it('is refused where "restricted" is enforced, for just what docs/kubernetes.md says', () => {
    server.kubectl('create', 'namespace', 'strict');
    server.kubectl('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted');
    server.kubectl('create', 'serviceaccount', 'sandbox', '-n', 'strict');
    expect(() => create(podOf('user-namespaces', 'strict'))).toThrow(
      /violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false .*, unrestricted capabilities \(container "sandbox" must not include "SETGID", "SETUID" in securityContext\.capabilities\.add\)$/m,
    );
    create(podOf('minimal', 'strict'));
  });
});
