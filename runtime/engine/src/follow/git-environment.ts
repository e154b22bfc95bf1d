import { searchPath } from '../config.js';

/** Git as the engine needs it: no configuration of the person or the system, and nothing of the surroundings. */
export const gitEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: searchPath(),
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
});
