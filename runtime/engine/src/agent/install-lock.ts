import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../files/durable.js';
import { startMark, stillRuns } from '../platform/process-identity.js';

const holder = z.object({ pid: z.int(), mark: z.string() });

/** `npm run tools` and the engine may install at the same time: one of them does. Gone with the process that has it. */
export class InstallLock {
  private constructor(private readonly path: string) {}

  /** undefined: somebody else has it. */
  static async take(folder: string): Promise<InstallLock | undefined> {
    const path = join(folder, '.installing');
    const mark = (await startMark(process.pid)) ?? '';
    // Written first and linked then: whoever finds it finds all of it.
    const own = `${path}.${randomBytes(6).toString('hex')}`;
    await writeFile(own, JSON.stringify({ pid: process.pid, mark }));
    try {
      while (!(await linked(own, path))) {
        if (await isHeld(path)) return undefined;
        await rm(path, { force: true });
      }
      return new InstallLock(path);
    } finally {
      await rm(own, { force: true });
    }
  }

  /** `last` is done while it is still held. */
  async release(last: () => Promise<void>): Promise<void> {
    try {
      await last();
    } finally {
      await rm(this.path, { force: true });
    }
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    return await stillRuns(holder.parse(JSON.parse(text)));
  } catch {
    return false;
  }
}
