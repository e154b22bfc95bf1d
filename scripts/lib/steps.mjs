import { spawn } from 'node:child_process';

/**
 * @typedef {{ code: number, output: string }} Result
 * @typedef {{ name: string, run: () => Promise<Result> }} Step
 */

/** Runs a command to its end and keeps what it printed. Never throws: a command that cannot start has code 127. */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    child.once('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString('utf8');
      resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` });
    });
  });
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function runOne(step) {
  const since = performance.now();
  const result = await step.run();
  const ok = result.code === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${step.name} (${seconds(since)})`);
  if (!ok) console.log(result.output.trimEnd());
  return ok;
}

/**
 * Runs the steps, `width` of them at a time, and prints the output of those that fail only.
 * @param {Step[]} steps
 * @returns {Promise<number>} how many failed
 */
export async function runSteps(steps, width = 2) {
  const queue = [...steps];
  let failed = 0;
  const worker = async () => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      if (!(await runOne(step))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return failed;
}
