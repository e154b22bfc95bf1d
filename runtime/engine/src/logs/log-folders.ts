import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A release that came back keeps its log; one that did not is of no interest after a week. */
const KEPT_MS = 7 * 86_400_000;

/** Takes away the logs of pods that have not been seen for a week: `<root>/<namespace>/<pod>`. */
export async function removeOldLogs(root: string, now: Date): Promise<void> {
  const below = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);
  for (const namespace of await below(root)) {
    const folder = join(root, namespace);
    for (const pod of await below(folder)) await removeWhereOld(join(folder, pod), now);
    await rmdir(folder).catch(() => undefined);
  }
}

async function removeWhereOld(folder: string, now: Date): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const times = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  if (Math.max(0, ...times) < now.getTime() - KEPT_MS) await rm(folder, { recursive: true, force: true });
}
