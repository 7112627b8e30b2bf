/** Answers that the next one's time is told from. */
const KEPT = 8;

/** Of requests that are answered one after the other: how many are under way, and when the next answer will come. */
export class Pace {
  underWay = 0;
  /** When what is being answered was begun. */
  #begun = 0;
  /** Ms that the last answers took. Nothing is known at first: an answer may come at any moment. */
  readonly #took: number[] = [0];

  sent(now: number): void {
    if (this.underWay++ === 0) this.#begun = now;
  }

  answered(now: number): void {
    this.underWay--;
    this.#took.push(now - this.#begun);
    if (this.#took.length > KEPT) this.#took.shift();
    this.#begun = now;
  }

  /** Ms until the next answer, if it takes no longer than the fastest of the last ones; 0 where nothing is under way. */
  left(now: number): number {
    return this.underWay === 0 ? 0 : this.#begun + Math.min(...this.#took) - now;
  }
}
