/** As long as nobody notices. */
const GATHERED_MS = 100;
/** More of it in that time is not told piece by piece: the page shows the end of it only. */
const TOLD_MAX_CHARACTERS = 64 * 1024;

/**
 * Tells lines together: a program that prints without end would else be an event for each of its pieces, to every page
 * that looks. `tell` gets the text, or nothing where it is too much: then what stands is to be told anew.
 */
export class LogTeller {
  #pieces: string[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: (text: string | undefined) => void) {}

  add(text: string): void {
    this.#size += text.length;
    if (this.#size <= TOLD_MAX_CHARACTERS) this.#pieces.push(text);
    else this.#pieces = [];
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, GATHERED_MS);
  }

  /** What waits is told now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [size, text] = [this.#size, this.#pieces.join('')];
    this.#size = 0;
    this.#pieces = [];
    if (size > 0) this.tell(size > TOLD_MAX_CHARACTERS ? undefined : text);
  }
}
