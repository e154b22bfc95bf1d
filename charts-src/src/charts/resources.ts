import { k8s } from 'cdk8s-plus-28';
import { RenderError } from '../errors.js';
import type { ProjectContext } from './common.js';

interface Preset {
  readonly cpu: string;
  readonly memory: string;
}

export function sandboxPreset({ platform, spec }: ProjectContext): Preset {
  return presetOf(platform.sandbox.presets, spec.sandbox.preset, 'sandbox');
}

export function presetOf(presets: Readonly<Record<string, Preset>>, name: string, what: string): Preset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset === undefined)
    throw new RenderError(
      `The platform has no ${what} size "${name}"; it has ${Object.keys(presets).sort().join(', ')}.`,
    );
  return preset;
}

/** "2" -> 2000, "500m" -> 500. */
export const milliCpu = (quantity: string): number =>
  quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;

/** "512Mi" -> 512, "2Gi" -> 2048. */
export const mebibytes = (quantity: string): number =>
  Number(quantity.slice(0, -2)) * (quantity.endsWith('Gi') ? 1024 : 1);

/** Canonical: whole cores without `m`, so that the API server writes back what was sent. */
export const cpuText = (milli: number): string => (milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`);
export const memoryText = (mebi: number): string => (mebi % 1024 === 0 ? `${mebi / 1024}Gi` : `${mebi}Mi`);

/**
 * Limits are the preset. A sandbox idles most of the day, so it asks for a tenth of the processor and a quarter of the
 * memory: a node carries several, and each can still use its whole size.
 */
export function presetResources(preset: Preset): k8s.ResourceRequirements {
  const { Quantity } = k8s;
  return {
    limits: { cpu: Quantity.fromString(preset.cpu), memory: Quantity.fromString(preset.memory) },
    requests: {
      cpu: Quantity.fromString(cpuText(Math.max(10, Math.floor(milliCpu(preset.cpu) / 10)))),
      memory: Quantity.fromString(memoryText(Math.max(64, Math.floor(mebibytes(preset.memory) / 4)))),
    },
  };
}
