import { pino } from 'pino';
import { AppError } from './contract/errors.js';
import { ConfigError, readConfig, type Config } from './config.js';
import { startController, type Controller } from './controller.js';

/** The controller as a process: reads its configuration, serves, says so to its parent, and ends when it is told to. */
async function main(): Promise<void> {
  const config = configOrExit();
  const redact = ['req.headers.authorization', '*.authorization', '*.password', '*.token'];
  // Written at once: the buffering writer waits at exit, for ever, for a reader that is dead (the parent after kill -9).
  const stdout = pino.destination({ dest: 1, sync: true });
  const log = pino({ level: config.logLevel, base: { process: 'controller' }, redact }, stdout);
  const controller = await startController(config, log).catch((error: unknown) => {
    log.fatal({ err: error }, 'the controller cannot start');
    return exitWith(
      error instanceof AppError ? error.message : `The controller cannot start: ${String(error)}`,
    );
  });
  log.info({ port: controller.port }, 'ready');
  process.send?.({ type: 'ready' });
  stopOnSignals(controller, () => {
    log.info('stopped');
  });
}

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error.message);
    throw error;
  }
}

function exitWith(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

/** Longer than a shutdown takes; whoever waits for it would lose patience next. */
const STOP_LIMIT_MS = 15_000;

/**
 * `disconnect`: the parent died. Ctrl-C reaches every process of a terminal, and the parent signals its children as
 * well: a second signal is not impatience, it is the usual case.
 */
function stopOnSignals(controller: Controller, onStopped: () => void): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    controller.stop().then(
      () => {
        onStopped();
        process.exit(0);
      },
      () => process.exit(1),
    );
  };
  process.on('disconnect', stop);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

await main();
