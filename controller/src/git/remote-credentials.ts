import { readFileSync } from 'node:fs';
import type { RemoteAddress } from '../model/remote.js';

/**
 * A helper of git's own kind. The shell reads the token at that moment, so that one that was replaced counts at once;
 * `printf` is part of the shell: no process has it among its arguments.
 */
const HELPER = (user: string, file: string): string =>
  `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' ${quoted(user)} "$(cat ${quoted(file)})"; }; f`;

export function credentialSettings({ user, tokenFile }: RemoteAddress): readonly (readonly string[])[] {
  // An empty helper forgets the ones before it.
  const none = ['credential.helper', ''];
  return tokenFile === undefined ? [none] : [none, ['credential.helper', HELPER(user, tokenFile)]];
}

export function sshCommand({ keyFile, knownHostsFile }: NonNullable<RemoteAddress['ssh']>): string {
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=20'];
  const named = [...options, `UserKnownHostsFile=${knownHostsFile}`].map((option) => `-o ${quoted(option)}`);
  return `ssh -F /dev/null -i ${quoted(keyFile)} ${named.join(' ')}`;
}

/** What must not be in any message, whoever wrote it. */
export function secretsOf({ tokenFile }: RemoteAddress): readonly string[] {
  if (tokenFile === undefined) return [];
  try {
    const token = readFileSync(tokenFile, 'utf8').trim();
    return token === '' ? [] : [token, encodeURIComponent(token)];
  } catch {
    // git says itself that it has no password.
    return [];
  }
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
