import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/folders.js';
import { RUNTIME } from './sandbox.js';

/** What the manifests say about the sandbox and what the image says about itself are the same. */
interface Template {
  containers: {
    env: { name: string }[];
    ports: { name: string; containerPort: number }[];
    volumeMounts: { mountPath: string; readOnly?: boolean }[];
    securityContext: Record<string, unknown>;
    workingDir: string;
    command?: unknown;
    args?: unknown;
  }[];
  securityContext: Record<string, unknown>;
  terminationGracePeriodSeconds: number;
}

const golden = join('charts-src', 'golden');
const files = readdirSync(join(ROOT, golden), { encoding: 'utf8', recursive: true })
  .filter((file) => /\/rendered\/statefulset-[^/]*\.yaml$/.test(file))
  .map((file) => join(golden, file))
  .sort();
const templates = files.map((file): [string, Template] => {
  const object = load(readFileSync(join(ROOT, file), 'utf8')) as { spec: { template: { spec: Template } } };
  return [file, object.spec.template.spec];
});
const dockerfile = readFileSync(join(RUNTIME, 'Dockerfile'), 'utf8');
const entrypoint = readFileSync(join(RUNTIME, 'entrypoint.sh'), 'utf8');

describe('the image and the manifests', () => {
  it('are compared on all golden files', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(templates)('agree: %s', (_file, { containers, securityContext, terminationGracePeriodSeconds }) => {
    const [sandbox] = containers;
    if (sandbox === undefined) throw new Error('no container');
    expect(securityContext).toMatchObject({ runAsUser: 1001, runAsGroup: 1001, runAsNonRoot: true });
    expect(dockerfile).toContain('\nUSER 1001:1001\n');
    // The image's own entrypoint runs: nothing replaces it.
    expect([sandbox.command, sandbox.args]).toEqual([undefined, undefined]);
    expect(dockerfile).toContain(`\nWORKDIR ${sandbox.workingDir}\n`);
    const ports = Object.fromEntries(sandbox.ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(dockerfile).toContain(`\nEXPOSE ${ports['app'] ?? 0} ${ports['ttyd'] ?? 0}\n`);
    expect(entrypoint).toContain(`port=\${TTYD_PORT:-${ports['ttyd'] ?? 0}}`);
    const writable = sandbox.volumeMounts.filter(({ readOnly }) => readOnly !== true);
    expect(writable.map(({ mountPath }) => mountPath).sort()).toEqual([
      '/home/developer',
      '/tmp',
      '/workspace',
    ]);
    for (const { mountPath } of sandbox.volumeMounts)
      if (mountPath !== '/tmp') expect(dockerfile).toContain(mountPath);
    expect(sandbox.env.map(({ name }) => name)).toContain('TTYD_ACCESS_TOKEN');
    const [, hangUp, stop] = /HANG_UP_SECONDS=(\d+) STOP_SECONDS=(\d+)/.exec(entrypoint) ?? [];
    expect(Number(hangUp) + Number(stop)).toBeLessThan(terminationGracePeriodSeconds);
  });
});
