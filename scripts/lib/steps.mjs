import { secondsSince } from './run.mjs';

/**
 * @typedef {{ code: number, output: string }} Result
 * @typedef {{ name: string, run: () => Promise<Result> }} Step
 */

async function runOne(step) {
  const since = performance.now();
  const { code, output } = await step.run();
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${secondsSince(since)})`);
  if (code !== 0) console.log(output.trimEnd());
  return code === 0;
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
