import type { Author, ChangeRequest, IntentCommit } from '../model/intent.js';
import type { LogEntry, Signature } from '../model/repository.js';

const USER_DOMAIN = 'users.fullstackagent.dev';
const SUBJECT_MAX = 72;

/** The address is a pseudonym that stays the same; who is behind it is known to the portal only. */
export const userSignature = ({ id, name }: Author, at: Date): Signature => ({
  name: oneLine(name),
  email: `${id.replace(/[^A-Za-z0-9._-]/g, '')}@${USER_DOMAIN}`,
  at,
});

export const portalSignature = (at: Date): Signature => ({
  name: 'FullstackAgent portal',
  email: 'portal@fullstackagent.dev',
  at,
});

/** The other way round. For a commit that came another way, the address as it is. */
export const userIdOf = (email: string): string =>
  email.endsWith(`@${USER_DOMAIN}`) ? email.slice(0, -USER_DOMAIN.length - 1) : email;

export function intentCommit({ commit, at, author, subject, trailers }: LogEntry): IntentCommit {
  const action = trailers.get('Action');
  return {
    commit,
    at,
    author: { id: userIdOf(author.email), name: author.name },
    subject,
    ...(action === undefined ? {} : { action }),
  };
}

/** Everything a person typed is one line: nobody can add a trailer, or a second subject. */
export function commitMessage({
  subject,
  action,
  project,
  requestId,
  approves,
}: Pick<ChangeRequest, 'subject' | 'action' | 'project' | 'requestId' | 'approves'>): string {
  const trailers = [
    `Action: ${oneLine(action)}`,
    ...(project === undefined ? [] : [`Project: ${oneLine(`${project.namespace}/${project.name}`)}`]),
    ...(approves === undefined ? [] : [`Approves: ${oneLine(approves)}`]),
    `Request-Id: ${oneLine(requestId)}`,
  ];
  return `${shortened(oneLine(subject), SUBJECT_MAX)}\n\n${trailers.join('\n')}\n`;
}

function oneLine(text: string): string {
  return (
    text
      .toWellFormed()
      // eslint-disable-next-line no-control-regex -- control characters are exactly what has to go
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
      .replace(/ {2,}/g, ' ')
      .trim()
  );
}

function shortened(text: string, max: number): string {
  const characters = Array.from(text);
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
}
