import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { isErrno, writeFileDurably } from '../files/durable.js';

const stateSchema = z.object({
  /** Names this engine's processes apart from another engine's. */
  engineId: z.string(),
  /** Bearer token of the API. */
  token: z.string(),
  /** `<namespace>/<name>:<port>` -> port of this machine: people keep URLs and connections, so ports stay. */
  ports: z.record(z.string(), z.number()),
  /** `<namespace>/<cluster>` -> password of the database. */
  passwords: z.record(z.string(), z.string()),
});

export type EngineState = z.infer<typeof stateSchema>;

/** What neither git nor the running processes could tell again. Written as a whole, before it is used. */
export class DurableState {
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly path: string,
    readonly value: EngineState,
  ) {}

  static async open(path: string, fresh: () => EngineState): Promise<DurableState> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      return new DurableState(path, stateSchema.parse(JSON.parse(await readFile(path, 'utf8'))));
    } catch (error) {
      if (!isErrno(error, 'ENOENT'))
        throw new Error(`The engine's state in ${path} cannot be read.`, { cause: error });
    }
    const state = new DurableState(path, fresh());
    await state.save();
    return state;
  }

  /** Resolves when what `value` says now is on the disk. Writes follow one another. */
  save(): Promise<void> {
    const write = (): Promise<void> =>
      writeFileDurably(this.path, `${JSON.stringify(this.value, undefined, 1)}\n`, 0o600);
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
