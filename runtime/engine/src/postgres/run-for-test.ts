import { pino } from 'pino';
import { createPostgresService } from './service.js';

/** A stand-in for the engine in tests that kill it: `run-for-test.ts <root> <port> <password>`. */
const [root = '', port = '', password = ''] = process.argv.slice(2);
const service = createPostgresService({ root, log: pino({ level: 'silent' }) });
const server = await service.ensure({ id: 'one', port: Number(port), password });
process.send?.({ pid: server.pid });
