import { StringDecoder } from 'node:string_decoder';

/** What a person scrolls through; what is older is forgotten, and that is said. */
const MOST_CHARACTERS = 256 * 1024;
/** What is left when there is more: cutting at every line would copy all of it for each. */
const KEPT_CHARACTERS = 192 * 1024;
const LINE_MAX_CHARACTERS = 4000;

/* eslint-disable no-control-regex -- control characters are what is taken out */
/** CSI and OSC sequences of terminals, and what moves the cursor. */
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
/* eslint-enable no-control-regex */

/** The output of a build as whole lines of plain text, bounded. */
export class BuildLog {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #text = '';
  /** There was more before it. */
  shortened = false;

  get text(): string {
    return this.#text;
  }

  /** Takes output as it comes, and answers the lines that are whole by now. */
  take(chunk: Buffer): readonly string[] {
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = parts.pop() ?? '';
    // A line that never ends is told in pieces.
    if (this.#rest.length > LINE_MAX_CHARACTERS) {
      parts.push(this.#rest);
      this.#rest = '';
    }
    return parts.map(plain);
  }

  /** What came after the last line's end. */
  end(): readonly string[] {
    const rest = plain(this.#rest + this.#decoder.end());
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }

  append(lines: readonly string[]): void {
    this.#text += lines.map((line) => `${line}\n`).join('');
    if (this.#text.length <= MOST_CHARACTERS) return;
    this.#text = this.#text.slice(-KEPT_CHARACTERS);
    this.#text = this.#text.slice(this.#text.indexOf('\n') + 1);
    this.shortened = true;
  }

  /** The end of it, for a message. */
  lastLines(count: number): readonly string[] {
    return this.#text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count);
  }
}

/** As a terminal would leave it: what a carriage return goes back over is gone. */
function plain(line: string): string {
  const text = line.replaceAll(ESCAPES, '').replace(/\r+$/, '');
  return text
    .slice(text.lastIndexOf('\r') + 1)
    .replaceAll(CONTROLS, '')
    .slice(0, LINE_MAX_CHARACTERS);
}
