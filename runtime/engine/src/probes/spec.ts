import { at, list, number, record, text } from '../store/object.js';

export const PROBE_KINDS = ['startup', 'readiness', 'liveness'] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];

/** What is asked. A port is the container's; undefined where the manifest names one that it does not declare. */
export type Check =
  | { readonly type: 'tcp'; readonly port: number | undefined }
  | HttpCheck
  | { readonly type: 'exec'; readonly command: readonly string[] };

export interface HttpCheck {
  readonly type: 'http';
  readonly port: number | undefined;
  readonly path: string;
  readonly scheme: 'http' | 'https';
  readonly headers: readonly (readonly [string, string])[];
}

/** One probe of a container, with what Kubernetes assumes where the manifest says nothing. */
export interface Probe {
  readonly kind: ProbeKind;
  readonly check: Check;
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** So many in a row turn its result. */
  readonly failureThreshold: number;
  readonly successThreshold: number;
  /** How long the container may take to end when this probe gave it up; undefined: as long as the pod says. */
  readonly graceSeconds: number | undefined;
}

export type Probes = Readonly<Partial<Record<ProbeKind, Probe>>>;

/** Longer than anybody waits, and within what a timer can hold. */
const LONGEST_SECONDS = 7 * 86_400;
const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_FAILURES = 3;

export function probesOf(container: unknown): Probes {
  const found = PROBE_KINDS.flatMap((kind) => {
    const probe = probeOf(container, kind);
    return probe === undefined ? [] : [[kind, probe] as const];
  });
  return Object.fromEntries(found);
}

/** Probes of a way of asking that there is not here, such as gRPC. */
export const probesNotRun = (container: unknown): readonly ProbeKind[] =>
  PROBE_KINDS.filter(
    (kind) => at(container, `${kind}Probe`) !== undefined && probeOf(container, kind) === undefined,
  );

function probeOf(container: unknown, kind: ProbeKind): Probe | undefined {
  const manifest = record(container, `${kind}Probe`);
  const check = checkOf(container, manifest);
  if (check === undefined) return undefined;
  const amount = (field: string, least: number, otherwise: number): number => {
    const value = number(manifest, field) ?? otherwise;
    return value < least ? otherwise : Math.min(value, LONGEST_SECONDS);
  };
  return {
    kind,
    check,
    initialDelayMs: amount('initialDelaySeconds', 0, 0) * 1000,
    periodMs: amount('periodSeconds', 1, DEFAULT_PERIOD_SECONDS) * 1000,
    timeoutMs: amount('timeoutSeconds', 1, 1) * 1000,
    failureThreshold: amount('failureThreshold', 1, DEFAULT_FAILURES),
    // Of the two others Kubernetes takes no other number.
    successThreshold: kind === 'readiness' ? amount('successThreshold', 1, 1) : 1,
    graceSeconds: number(manifest, 'terminationGracePeriodSeconds'),
  };
}

function checkOf(container: unknown, manifest: unknown): Check | undefined {
  const command = list(manifest, 'exec', 'command').map(String);
  if (command.length > 0) return { type: 'exec', command };
  if (at(manifest, 'tcpSocket') !== undefined)
    return { type: 'tcp', port: portOf(container, at(manifest, 'tcpSocket', 'port')) };
  const http = at(manifest, 'httpGet');
  if (http === undefined) return undefined;
  return {
    type: 'http',
    port: portOf(container, at(http, 'port')),
    path: text(http, 'path') ?? '/',
    scheme: text(http, 'scheme') === 'HTTPS' ? 'https' : 'http',
    headers: list(http, 'httpHeaders').map((header) => [
      text(header, 'name') ?? '',
      text(header, 'value') ?? '',
    ]),
  };
}

/** A number, or the name of a port that the container declares. */
function portOf(container: unknown, port: unknown): number | undefined {
  if (typeof port === 'number') return port;
  const declared = list(container, 'ports').find((entry) => text(entry, 'name') === port);
  return number(declared, 'containerPort');
}
