import { InstallLock } from './install-lock.js';

/** An installer that takes the locks of these folders and does nothing else, in tests that kill it. */
for (const folder of process.argv.slice(2)) await InstallLock.take(folder);
setInterval(() => undefined, 60_000);
process.send?.('held');
