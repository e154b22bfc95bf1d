#!/usr/bin/env node
// `npm run build`: builds what is not there or older than its sources. `npm start` and `npm test` do it too.
import { build } from './lib/build.mjs';
import { Problem } from './lib/run.mjs';

try {
  await build({ say: (line) => console.log(line), before: () => undefined });
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
