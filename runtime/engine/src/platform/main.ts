import { pino, type Logger } from 'pino';
import { RotatingFile } from '../files/rotating-file.js';
import { ChildFailed } from './child.js';
import { readConfig, type Config } from './config.js';
import { StartProblem } from './problem.js';
import { Supervisor } from './supervisor.js';
import { Terminal } from './terminal.js';

const LOG_BYTES = 4 * 1024 * 1024;
const FORCED = 130;
/** npm passes Ctrl-C on to a process that the terminal has told already: within this time it is the same one. */
const SAME_CTRL_C_MS = 500;

/**
 * `npm start`, once everything is installed and built. Resolves with the exit code, when all is stopped.
 * Handles SIGINT, SIGTERM and SIGHUP itself.
 */
export async function runPlatform(root: string): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr);
  let config: Config;
  try {
    config = readConfig(root);
  } catch (error) {
    return explain(terminal, error, undefined);
  }
  const supervisor = new Supervisor({
    config,
    say: (line) => terminal.say(line),
    createLog: (file) => createLog(file, config.logLevel),
  });
  const asked = stopOnSignals(supervisor, terminal);
  try {
    terminal.say('Starting …');
    const url = await Promise.race([supervisor.start(), asked]);
    if (url !== undefined) {
      for (const notice of supervisor.notices) terminal.say(notice);
      terminal.say(`FullstackAgent is ready: ${url}`);
    }
  } catch (error) {
    const code = explain(terminal, error, config);
    await supervisor.stop();
    return code;
  }
  await asked;
  await supervisor.stop();
  return 0;
}

/** Resolves when everything was stopped because somebody asked for it. */
function stopOnSignals(supervisor: Supervisor, terminal: Terminal): Promise<undefined> {
  return new Promise((resolve, reject) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      if (firstAt !== undefined) {
        if (signal === 'SIGHUP' || now - firstAt < SAME_CTRL_C_MS) return;
        supervisor.kill();
        process.exit(FORCED);
      }
      firstAt = now;
      terminal.say('Stopping …');
      supervisor.stop().then(() => resolve(undefined), reject);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

function createLog(file: string, level: string): Logger {
  return pino({ level, base: null }, new RotatingFile({ path: file, maxBytes: LOG_BYTES }));
}

function explain(terminal: Terminal, error: unknown, config: Config | undefined): number {
  if (error instanceof StartProblem) {
    terminal.fail(error.message);
  } else if (error instanceof ChildFailed) {
    terminal.fail(`${error.message} Its last lines (all of them are in ${config?.home ?? ''}/logs):`);
    terminal.quote(error.output);
  } else {
    terminal.fail(`FullstackAgent cannot start: ${error instanceof Error ? error.message : String(error)}`);
  }
  return 1;
}
