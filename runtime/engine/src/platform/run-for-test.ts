import { runPlatform } from './main.js';

/** `npm start` of a repository that a test made: `run-for-test.ts <root>`, settings in the environment. */
process.exit(await runPlatform(process.argv[2] ?? ''));
