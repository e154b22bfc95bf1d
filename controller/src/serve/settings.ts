import { fileURLToPath } from 'node:url';
import type { Settings } from './backend.js';

/** The hooks are no TypeScript: git starts them as they stand in the sources, which lie as deep as what is compiled. */
export const HOOKS_FOLDER = fileURLToPath(new URL('../../src/serve/hooks', import.meta.url));

/** Above it git reads objects in pieces: a few bytes that unpack to gigabytes do not become memory. */
const BIG_FILE = '1m';

const always: Settings = [
  // The folder may be another user's than this process's; it is named by the configuration, not searched for.
  ['safe.directory', '*'],
  ['http.getanyfile', 'false'],
];

/** Shown are the two branches; what else is there is the platform's own. */
export const readSettings: Settings = [
  ...always,
  ['http.uploadpack', 'true'],
  ['http.receivepack', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['transfer.hideRefs', 'refs/'],
  ['transfer.hideRefs', '!refs/heads/main'],
  ['transfer.hideRefs', '!refs/heads/rendered'],
];

const push: Settings = [...always, ['http.uploadpack', 'false'], ['http.receivepack', 'true']];

/** What a push is told before it begins. */
export const offerSettings: Settings = [
  ...push,
  ['core.hooksPath', '/dev/null'],
  ['receive.hideRefs', 'refs/'],
  ['receive.hideRefs', '!refs/heads/main'],
];

/** Nothing is hidden from the push itself: git would refuse it with words of its own, the hook says what to do instead. */
export const pushSettings = (maxBytes: number): Settings => [
  ...push,
  ['core.hooksPath', HOOKS_FOLDER],
  ['core.bigFileThreshold', BIG_FILE],
  ['receive.hideRefs', '!refs/'],
  ['receive.procReceiveRefs', 'refs/for'],
  ['receive.maxInputSize', `${maxBytes}`],
  ['receive.fsckObjects', 'true'],
  ['receive.shallowUpdate', 'false'],
];
