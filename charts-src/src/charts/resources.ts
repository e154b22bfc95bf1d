import { k8s } from 'cdk8s-plus-28';
import { RenderError } from '../errors.js';
import type { ProjectContext } from './common.js';

interface Preset {
  readonly cpu: string;
  readonly memory: string;
}

export function sandboxPreset({ platform, spec }: ProjectContext): Preset {
  return offered(platform.sandbox.presets, spec.sandbox.preset, 'sandbox size');
}

/** What the platform offers under this name; throws {@link RenderError} that says what there is instead. */
export function offered<T>(offers: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(offers, name) ? offers[name] : undefined;
  if (found === undefined)
    throw new RenderError(
      `The platform has no ${what} "${name}"; it has ${Object.keys(offers).sort().join(', ')}.`,
    );
  return found;
}

/** "2" -> 2000, "500m" -> 500. */
const milliCpu = (quantity: string): number =>
  quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;

/** "512Mi" -> 512, "2Gi" -> 2048. */
const mebibytes = (quantity: string): number =>
  Number(quantity.slice(0, -2)) * (quantity.endsWith('Gi') ? 1024 : 1);

const cpuText = (milli: number): string => (milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`);

function sizeText(mebi: number): string {
  if (mebi % (1024 * 1024) === 0) return `${mebi / (1024 * 1024)}Ti`;
  return mebi % 1024 === 0 ? `${mebi / 1024}Gi` : `${mebi}Mi`;
}

/**
 * The largest unit without a fraction, which is the form the API server writes back: "1024Mi" -> "1Gi". In any other
 * form an applier would see a difference for ever.
 */
export const canonicalSize = (quantity: string): string => sizeText(mebibytes(quantity));

export const canonicalPreset = ({ cpu, memory }: Preset): Preset => ({ cpu, memory: canonicalSize(memory) });

/** What part of its size a pod asks for: one of so many. */
export interface Share {
  readonly cpu: number;
  readonly memory: number;
  /**
   * Of the node's disk: `/tmp`, what is written into the image's own folders, and the log. Past it the pod is ended, or
   * one sandbox could fill the disk for all that share the node. Volumes do not count.
   */
  readonly disk: string;
}

/** What is there for everybody's log and a little more; so much the scheduler reserves. */
const DISK_REQUEST = '256Mi';

/** Limits are the preset, requests a share of it. */
export function presetResources(preset: Preset, share: Share): k8s.ResourceRequirements {
  const { Quantity } = k8s;
  const limits = canonicalPreset(preset);
  return {
    limits: {
      cpu: Quantity.fromString(limits.cpu),
      'ephemeral-storage': Quantity.fromString(share.disk),
      memory: Quantity.fromString(limits.memory),
    },
    requests: {
      'ephemeral-storage': Quantity.fromString(DISK_REQUEST),
      cpu: Quantity.fromString(cpuText(Math.max(1, Math.floor(milliCpu(preset.cpu) / share.cpu)))),
      memory: Quantity.fromString(sizeText(Math.max(1, Math.floor(mebibytes(preset.memory) / share.memory)))),
    },
  };
}
