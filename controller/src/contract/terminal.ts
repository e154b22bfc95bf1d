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
} as const;

/** What a terminal session may be called: it becomes an argument of the sandbox's start script. */
export const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;
