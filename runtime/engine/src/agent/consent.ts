import { appendFile, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { syncFolder, writeFileDurably } from '../files/durable.js';

/** Who decides, as the portal knows them. */
export const person = z.strictObject({ id: z.string().min(1).max(100), name: z.string().min(1).max(100) });
export type Person = z.infer<typeof person>;

const given = z.object({
  /** RFC 3339. */
  at: z.string(),
  by: person,
  /** Whose rights the agent was allowed to have. */
  as: z.enum(['root', 'user']),
});
export type GivenConsent = z.infer<typeof given>;

export interface ConsentOptions {
  /** There exactly while it is given: shells look for it (runtime/.bashrc). */
  readonly file: string;
  readonly as: GivenConsent['as'];
  readonly now: () => Date;
}

/**
 * That agents may run without isolation on this machine. It is about the machine and the rights that the platform has
 * there, so it is kept here and in no document: another machine with the same repository, or one on which a backup is
 * brought back, asks again. It keeps nobody from anything who has a shell: that is a process of the same user.
 */
export class AgentConsent {
  #given: GivenConsent | undefined;

  private constructor(private readonly options: ConsentOptions) {}

  static async open(options: ConsentOptions): Promise<AgentConsent> {
    const consent = new AgentConsent(options);
    const found = await readGiven(options.file);
    // What was said of a user was not said of root.
    if (found !== undefined && found.as !== options.as) await consent.#remove('lapsed');
    else consent.#given = found;
    return consent;
  }

  get given(): GivenConsent | undefined {
    return this.#given;
  }

  async give(by: Person): Promise<void> {
    const { file, as, now } = this.options;
    const consent: GivenConsent = { at: now().toISOString(), by, as };
    await this.#note('given', by);
    await writeFileDurably(file, `${JSON.stringify(consent)}\n`, 0o600);
    this.#given = consent;
  }

  async revoke(by: Person): Promise<void> {
    await this.#remove('revoked', by);
    this.#given = undefined;
  }

  async #remove(what: 'revoked' | 'lapsed', by?: Person): Promise<void> {
    await this.#note(what, by);
    await rm(this.options.file, { force: true });
    await syncFolder(dirname(this.options.file));
  }

  /** All that was ever decided, a line each: written before it holds, so that nothing holds that is not written. */
  async #note(what: 'given' | 'revoked' | 'lapsed', by?: Person): Promise<void> {
    const { file, as, now } = this.options;
    const line = { at: now().toISOString(), what, as, ...(by === undefined ? {} : { by }) };
    await appendFile(`${file}.history`, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
  }
}

/** What cannot be read was not given. */
async function readGiven(file: string): Promise<GivenConsent | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return given.parse(JSON.parse(text));
  } catch {
    await rm(file, { force: true });
    return undefined;
  }
}
