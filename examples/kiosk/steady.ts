/** Tells what has stood for a while from what flickers. */
export class Steady {
  #key = "";
  #since = 0;
  #told = false;
  #last = "";

  /** `ms`: how long something must stand. */
  constructor(private readonly ms: number) {}

  /** What stands at `now`, in ms. True once, when it has stood long enough, and differs from what was told before. */
  tells(key: string, now: number): boolean {
    if (key !== this.#key) {
      // What comes back after a flicker was told already, unless something else was told since.
      this.#told = key === this.#last;
      this.#key = key;
      this.#since = now;
    }
    if (this.#told || now - this.#since < this.ms) return false;
    this.#told = true;
    this.#last = key;
    return true;
  }
}
