import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Ends the command with its message and exit code 1. */
export class Problem extends Error {}

/** Children end with us: on a signal to this process alone, nobody else would tell them. */
const running = new Set();
for (const signal of ['SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    if (running.size === 0) return;
    for (const child of running) child.kill(signal);
    process.exit(signal === 'SIGTERM' ? 143 : 129);
  });
}

/**
 * Runs a command to its end and keeps what it printed, in order. Never throws: one that cannot start has code 127.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => {
      running.delete(child);
      resolve({ code: 127, output: `${command}: ${error.message}` });
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      const output = Buffer.concat(chunks).toString('utf8');
      resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` });
    });
  });
}

/** What a person needs to see of a long output: its end, without the places in a tool's own code. */
export function lastLines(output, count = 20) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+at .*[:)]\d*/.test(line));
  return lines
    .slice(-count)
    .map((line) => `  ${line}`)
    .join('\n');
}

export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
