import { openRepository } from './repository.js';

/** Holds the repository until it is killed: `hold-repository-for-tests.ts <gitDir> <PATH>`. */
const [gitDir = '', searchPath = ''] = process.argv.slice(2);
await openRepository(gitDir, { log: console, searchPath });
console.log('held');
setInterval(() => undefined, 1_000);
