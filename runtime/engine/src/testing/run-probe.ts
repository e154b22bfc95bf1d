import { pino } from 'pino';
import { searchPath } from '../config.js';
import { probeIsolation } from '../isolation/index.js';

// What the machine can do, seen by a process that sees another /dev than the test does.
const isolation = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });
process.send?.(isolation, () => process.exit(0));
