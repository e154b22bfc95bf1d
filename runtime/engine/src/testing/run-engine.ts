import { pino } from 'pino';
import type { EngineConfig } from '../config.js';
import { Engine } from '../engine.js';

// An engine in a process of its own, to be killed: the configuration is the only argument.
const config = JSON.parse(process.argv[2] ?? '') as EngineConfig;
const engine = new Engine(config, pino({ level: 'silent' }));
process.on('disconnect', () => void engine.stop().then(() => process.exit(0)));
await engine.start();
process.send?.('ready');
