import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, root } from './run.mjs';

const POLL_MS = 500;

/**
 * Runs `work` while no other process installs or builds in this folder: two at once would write the same files. Who
 * comes second waits, and is told for whom. A lock whose process is gone is taken over.
 */
export async function alone({ say, folder = root }, work) {
  const file = join(folder, '.build-lock');
  let told = false;
  while (!taken(file)) {
    const holder = holderOf(file);
    if (holder === undefined) continue;
    if (!told) say(`Process ${holder} is installing or building in this folder. Waiting for it …`);
    told = true;
    await sleep(POLL_MS);
  }
  const release = () => rmSync(file, { force: true });
  // A signal that ends this process may leave the file; then its process is gone, and the next one takes it over.
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** Whether the file is this process's now. */
function taken(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Problem(`The folder of ${file} cannot be written: ${error.message}`);
  }
}

/** The process that holds the lock; undefined when it is free now, because it was given back or nobody is left. */
function holderOf(file) {
  const content = contentOf(file);
  if (content === undefined) return undefined;
  const holder = Number(content);
  // Empty: made this instant, its number not written yet.
  if (content === '' || (Number.isInteger(holder) && isRunning(holder))) return content || '?';
  rmSync(file, { force: true });
  return undefined;
}

function contentOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  if (pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one too.
    return error.code === 'EPERM';
  }
}
