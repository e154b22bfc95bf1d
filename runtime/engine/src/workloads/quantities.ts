import type { Amounts } from '../isolation/index.js';
import { record } from '../store/object.js';

/** Kubernetes has no limit of a container's own for this; a cluster's kubelet has one for each pod. */
export const PROCESSES = 4_096;
const UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** What a container may take, as its manifest says. */
export function amountsOf(container: unknown): Amounts {
  const { memory, cpu } = record(container, 'resources', 'limits');
  return { memoryBytes: bytesOf(memory), cpus: cpusOf(cpu), processes: PROCESSES };
}

/** A quantity as Kubernetes writes it: `4Gi`, `512Mi`, `1.5G`, `1073741824`. Undefined for what is none. */
export function bytesOf(quantity: unknown): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?$/.exec(String(quantity)) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? undefined : Math.floor(Number(amount) * factor);
}

/** Processors: `2`, `1.5`, `500m`. Undefined for what is none. */
export function cpusOf(quantity: unknown): number | undefined {
  const [, amount, milli] = /^(\d+(?:\.\d+)?)(m)?$/.exec(String(quantity)) ?? [];
  if (amount === undefined) return undefined;
  return milli === undefined ? Number(amount) : Number(amount) / 1000;
}
