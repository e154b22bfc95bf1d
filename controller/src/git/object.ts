import { createHash } from 'node:crypto';
import type { Signature } from '../model/repository.js';

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObject {
  readonly id: string;
  readonly type: ObjectType;
  readonly content: Buffer;
  /** Id of the version that this one was made from, where it is large: most of it is the same. */
  readonly replaces?: string;
}

/** git's id of an object: SHA-1 over `<type> <size>\0<content>`. */
export function gitObject(type: ObjectType, content: Buffer): GitObject {
  const id = createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
  return { id, type, content };
}

export const blob = (text: string): GitObject => gitObject('blob', Buffer.from(text, 'utf8'));

/** An entry of a tree. `name` is a byte string: one character a byte, so that comparing strings compares bytes. */
export interface TreeEntry {
  readonly name: string;
  /** As git prints it, six digits: `100644`, `100755`, `120000`, `160000`, `040000`. */
  readonly mode: string;
  readonly id: string;
}

export const TREE_MODE = '040000';

/** In a tree object the mode has no leading zero, and the id is 20 raw bytes. */
const treeEntry = ({ name, mode, id }: TreeEntry): string =>
  `${mode.replace(/^0/, '')} ${name}\0${Buffer.from(id, 'hex').toString('latin1')}`;

export const encodeTree = (entries: readonly TreeEntry[]): GitObject =>
  gitObject('tree', Buffer.from(entries.map(treeEntry).join(''), 'latin1'));

/** The same tree with other ids for some of its entries: a copy, where encoding all of it would cost by its length. */
export function withOtherIds(tree: Buffer, changes: readonly { before: TreeEntry; id: string }[]): Buffer {
  const content = Buffer.from(tree);
  for (const { before, id } of changes) {
    const entry = Buffer.from(treeEntry(before), 'latin1');
    // Found by its id too, so that no other bytes are taken for it.
    content.write(id, content.indexOf(entry) + entry.length - id.length / 2, 'hex');
  }
  return content;
}

export interface CommitParts {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

export function encodeCommit({ tree, parents, author, committer, message }: CommitParts): GitObject {
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${signatureLine(author)}`,
    `committer ${signatureLine(committer)}`,
    '',
    withoutNul(message).replace(/\n*$/, '\n'),
  ];
  return gitObject('commit', Buffer.from(lines.join('\n'), 'utf8'));
}

/** Times are UTC: the same instant gives the same commit on every machine. */
function signatureLine({ name, email, at }: Signature): string {
  return `${signatureText(name) || 'unknown'} <${signatureText(email)}> ${Math.floor(at.getTime() / 1000)} +0000`;
}

/** git itself refuses or strips these: the line would mean something else with them. */
export function signatureText(text: string): string {
  return (
    text
      .toWellFormed()
      // eslint-disable-next-line no-control-regex -- control characters are exactly what has to go
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029<>]+/g, ' ')
      .replace(/ {2,}/g, ' ')
      .replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '')
  );
}

const withoutNul = (text: string): string => text.replaceAll('\0', '');
