import { takeLock } from './lock.js';

/** A platform that holds its lock and does nothing else, in tests that kill it: `hold-lock-for-test.ts <folder>`. */
const lock = await takeLock(process.argv[2] ?? '', 0);
lock.announce({ state: 'ready', url: 'http://localhost:4711' });
setInterval(() => undefined, 60_000);
process.send?.('held');
