import { build } from './build.mjs';
import { installPackages } from './install.mjs';
import { Problem } from './run.mjs';

const how = { say: (line) => console.log(line), before: () => undefined };

/** What has to be there before tests, checks and benchmarks. What stands in the way is said, and ends the process. */
export async function prepare({ built }) {
  try {
    await installPackages(how);
    if (built) await build(how);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
