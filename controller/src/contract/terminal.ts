/**
 * Close codes of the terminal's WebSocket that come from the platform; others are the terminal's own (1000: the shell
 * ended). The close reason is a sentence for the person.
 */
export const terminalCloseCodes = {
  /** The opening message was not ttyd's. */
  badOpening: 1008,
  /** The sandbox does not run or its terminal does not answer yet: come back when the project is RUNNING. */
  notRunning: 4404,
  /** The acting person may no longer use this terminal. */
  notAllowed: 4403,
  /** The connection to the sandbox broke: reconnect, the session goes on. */
  lost: 4502,
  /** The shell itself ended, with an exit code that is not 0: the local engine says so where ttyd breaks off. */
  shellFailed: 4000,
} as const;

/** What a terminal session may be called: it becomes an argument of the sandbox's start script. */
export const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The first byte of the one message that is the platform's own and not ttyd's: it tells a guest the size that the
 * terminal has, as `{"columns":80,"rows":24}`.
 */
export const SIZE_MESSAGE = 'S';
