import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { scriptsIn, type Scripts } from './workloads/scripts.js';

const port = z.coerce.number().int().min(1).max(65535);

const schema = z.object({
  ENGINE_HOME: z.string().min(1),
  ENGINE_API_PORT: port,
  INGRESS_PORT: port,
  GITOPS_REPOSITORY: z.string().min(1),
  SANDBOX_ISOLATION: z.enum(['auto', 'shared-network', 'none']).default('auto'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export interface EngineConfig {
  readonly home: string;
  readonly apiPort: number;
  readonly ingressPort: number;
  readonly repository: string;
  /** `auto`: as good as this machine can. `shared-network`: that, but without networks of their own. */
  readonly isolation: 'auto' | 'shared-network' | 'none';
  readonly logLevel: string;
  /** Of the sandbox image: the same files run here. */
  readonly scripts: Scripts;
  /** What the sandbox image takes from npm, pinned: an installation on this machine has the same. */
  readonly pinnedTools: string;
  /** Where sandboxes look for programs: this Node first, so that `node` and `npm` work. */
  readonly sandboxPath: string;
}

/** Throws an Error with one line that names the variable and what is wrong with it. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): EngineConfig {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? 'The environment'}: ${issue?.message ?? 'is not right'}.`);
  }
  const here = dirname(fileURLToPath(import.meta.url));
  return {
    home: resolve(parsed.data.ENGINE_HOME),
    apiPort: parsed.data.ENGINE_API_PORT,
    ingressPort: parsed.data.INGRESS_PORT,
    repository: resolve(parsed.data.GITOPS_REPOSITORY),
    isolation: parsed.data.SANDBOX_ISOLATION,
    logLevel: parsed.data.LOG_LEVEL,
    scripts: scriptsIn(join(here, '..', '..')),
    pinnedTools: join(here, '..', '..', 'tools'),
    sandboxPath: [dirname(process.execPath), searchPath(env)].join(delimiter),
  };
}

/** The folders that programs are looked for in. */
export const searchPath = (env: NodeJS.ProcessEnv = process.env): string =>
  env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
