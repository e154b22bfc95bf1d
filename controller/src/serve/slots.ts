import { AppError } from '../contract/errors.js';

/** So many at a time; whoever comes then is told to come again. */
export class Slots {
  #taken = 0;

  constructor(private readonly size: number) {}

  /** Throws NOT_READY. Returns what gives the place back. */
  take(): () => void {
    if (this.#taken >= this.size)
      throw new AppError('NOT_READY', 'Too many clones and pushes are under way. Try again in a moment.');
    this.#taken += 1;
    let given = false;
    return () => {
      if (!given) this.#taken -= 1;
      given = true;
    };
  }
}
