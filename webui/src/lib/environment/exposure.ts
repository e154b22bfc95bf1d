import type { VariableRow } from './rows.js';

/**
 * Who can read a value although it is, or should be, a secret. `history`: it was committed in the clear and is sealed
 * from now on. `readable`: it stands in the clear and looks like a secret. `soon`: saving would put it there.
 */
export type Exposure = 'history' | 'readable' | 'soon';

const SECRET_WORDS =
  /(^|_)(SECRETS?|PASSWORDS?|PASSWD|PWD|PASSPHRASE|TOKENS?|CREDENTIALS?|PRIVATE_KEY|API_?KEY|ACCESS_KEY|SECRET_KEY|AUTH_KEY|SIGNING_KEY|ENCRYPTION_KEY|WEBHOOK_KEY|DSN)(_|$)/i;
/** Names that are read by browsers anyway, and those of keys that are meant to be seen. */
const PUBLIC_WORDS =
  /^(NEXT_PUBLIC|PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC)_|(^|_)PUBLI(C|SHABLE)(_|$)/i;

const SECRET_VALUES = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^(sk|rk)[-_](live|test|ant|proj)[-_]/,
  /^(gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|npm_|fsa_|whsec_)[A-Za-z0-9_-]{8}/,
  /^A(KI|SI)A[0-9A-Z]{16}$/,
  /^AIza[0-9A-Za-z_-]{35}$/,
  /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/,
  // An address with a password in it.
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i,
];

/** A guess, for advice only: nothing is decided by it. */
export const looksSecret = (name: string, value: string): boolean =>
  value !== '' &&
  (SECRET_VALUES.some((pattern) => pattern.test(value)) ||
    (SECRET_WORDS.test(name) && !PUBLIC_WORDS.test(name)));

export function exposureOf(row: VariableRow): Exposure | undefined {
  const { stored } = row;
  const wasPlain =
    stored !== undefined && !stored.secret && stored.value !== undefined && stored.value !== '';
  if (row.secret) return wasPlain ? 'history' : undefined;
  if (wasPlain && looksSecret(stored.name, stored.value)) return 'readable';
  return looksSecret(row.name.trim(), row.value) ? 'soon' : undefined;
}

export const exposureText: Readonly<Record<Exposure, string>> = {
  history:
    'The value it had stays readable in the git history. Change it where it comes from, and enter the new one here.',
  readable:
    'This looks like a secret, and it stands readable in git. Change it where it comes from, turn on Secret and enter the new one.',
  soon: 'This looks like a secret. Turn on Secret before you save: what was committed readable stays in the git history.',
};
