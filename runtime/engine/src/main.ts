import { pino } from 'pino';
import { readConfig, type EngineConfig } from './config.js';
import { Engine } from './engine.js';

/** Sandboxes are asked first; this is for what does not listen. */
const STOP_LIMIT_MS = 15_000;

function config(): EngineConfig {
  try {
    return readConfig();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'The configuration is wrong.'}\n`);
    process.exit(1);
  }
}

const settings = config();
// Written at once: the buffering writer waits at exit, for ever, for a reader that is dead (the parent after kill -9).
const log = pino({ name: 'engine', level: settings.logLevel }, pino.destination({ dest: 1, sync: true }));
const engine = new Engine(settings, log);
let stopping = false;

async function stop(why: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ why }, 'stopping');
  const limit = setTimeout(() => process.exit(1), STOP_LIMIT_MS);
  limit.unref();
  await engine.stop();
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
// The platform that started this engine is gone, however it went.
process.on('disconnect', () => void stop('disconnect'));
process.on('unhandledRejection', (error) => {
  log.fatal({ err: error }, 'unhandled rejection');
  void stop('unhandledRejection');
});

try {
  const notice = await engine.start();
  log.info({ apiPort: settings.apiPort, ingressPort: settings.ingressPort }, 'ready');
  process.send?.({ type: 'ready', notice });
} catch (error) {
  log.fatal({ err: error }, 'the engine did not start');
  await engine.stop();
  process.exit(1);
}
