import type { Writable } from 'node:stream';

/* eslint-disable no-control-regex -- control characters are exactly what these two take out */
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
/* eslint-enable no-control-regex */

/** What the person who typed `npm start` sees: a few plain lines, the same in a pipe, and errors that stand out. */
export class Terminal {
  readonly #out: Writable;
  readonly #err: Writable;

  constructor(out: Writable, err: Writable) {
    this.#out = out;
    this.#err = err;
    // The window was closed: there is nobody to tell, which is no reason to die before everything is stopped.
    for (const stream of [out, err]) stream.on('error', () => undefined);
  }

  say(line: string): void {
    this.#out.write(`${line}\n`);
  }

  fail(line: string): void {
    this.#err.write(`${line}\n`);
  }

  /** Some lines of a log below an error, indented, without control characters that would move the cursor. */
  quote(text: string, lines = 12): void {
    const plain = text.replace(ESCAPES, '').replace(CONTROLS, '');
    const all = [...new Set(plain.split('\n').filter((line) => line.trim() !== ''))];
    // A program that ends says why in a plain line; the records of its log are for the file.
    const forPeople = all.filter((line) => !line.startsWith('{'));
    for (const line of (forPeople.length > 0 ? forPeople : all).slice(-lines)) this.#err.write(`  ${line}\n`);
  }
}
