import { objectNames } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import {
  SNAPSHOT_REGISTRY,
  type SnapshotDto,
  type SnapshotInput,
  type StartCommandDto,
} from '../contract/release.js';
import type { ProjectKey } from '../model/intent.js';
import { at, text } from '../shared/json.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';
import { allOf } from './answers.js';
import type { SandboxFiles } from './files.js';

export interface SnapshotsDeps {
  readonly api: Pick<KubeApi, 'post'>;
  readonly files: Pick<SandboxFiles, 'download'>;
  /** The local engine keeps snapshots; a cluster has nothing that would. */
  readonly offered: boolean;
}

/** A workspace with its dependencies is copied within this, or somebody looks at what is in it. */
const SNAPSHOT_LIMIT_MS = 5 * 60_000;
const FILE_LIMIT_BYTES = 1024 * 1024;

/** Snapshots of a workspace for a release, and what the workspace says of how its app is started. */
export class Snapshots {
  constructor(private readonly deps: SnapshotsDeps) {}

  get offered(): boolean {
    return this.deps.offered;
  }

  /** Throws NOT_READY where the sandbox does not run, VALIDATION_FAILED where nobody says how the app is started. */
  async take(key: ProjectKey, { command }: SnapshotInput): Promise<SnapshotDto> {
    const start = command ?? (await this.startCommand(key)).command;
    if (start === undefined) {
      const message =
        'The workspace does not say how the app is started. Type the command, or add a "start" script to package.json or a "web" line to a Procfile.';
      throw new AppError('VALIDATION_FAILED', message, { errors: [{ field: 'command', message }] });
    }
    const pod = `${objectNames(key.name).sandbox}-0`;
    const path = `/api/v1/namespaces/${key.namespace}/pods/${pod}/snapshot`;
    const answer = await this.#post(path, { project: key.name, command: start });
    const digest = text(answer, 'digest') ?? '';
    return {
      image: `${SNAPSHOT_REGISTRY}${key.namespace}/${key.name}@${digest}`,
      command: start,
      files: Number(at(answer, 'files') ?? 0),
      bytes: Number(at(answer, 'bytes') ?? 0),
    };
  }

  /** A `web` line of a Procfile is written for production; a `start` script mostly is. */
  async startCommand(key: ProjectKey): Promise<StartCommandDto> {
    const web = /^web:[ \t]*(\S.*)$/m.exec(await this.#file(key, 'Procfile'))?.[1]?.trim();
    if (web !== undefined) return { command: web, from: 'Procfile' };
    const script = startScript(await this.#file(key, 'package.json'));
    return script === undefined ? {} : { command: 'npm start', from: 'package.json' };
  }

  /** The text of a small file; empty where there is none. */
  async #file(key: ProjectKey, path: string): Promise<string> {
    try {
      const found = await this.deps.files.download(key, { path });
      if (found.size === undefined || found.size > FILE_LIMIT_BYTES) {
        found.abort();
        return '';
      }
      // What it says of its length need not be true.
      const abort = (): void => {
        found.abort();
      };
      return await allOf({ stdout: found.content, abort }, FILE_LIMIT_BYTES);
    } catch (error) {
      if (error instanceof AppError && (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN')) return '';
      throw error;
    }
  }

  async #post(path: string, body: object): Promise<unknown> {
    try {
      return await this.deps.api.post(path, body, SNAPSHOT_LIMIT_MS);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404)
        throw new AppError('NOT_READY', 'The sandbox is not running. Start the project first.', {
          cause: error,
        });
      // The engine's own sentence, after the path that it is about.
      if (error.status === 400)
        throw new AppError('ACTION_NOT_ALLOWED', error.message.slice(path.length + 2), { cause: error });
      throw error.toAppError();
    }
  }
}

function startScript(packageJson: string): string | undefined {
  try {
    return text(JSON.parse(packageJson), 'scripts', 'start');
  } catch {
    return undefined;
  }
}
