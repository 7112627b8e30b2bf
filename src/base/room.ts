/** Lets at most so many at a time pass; the others wait in the order in which they came. */
export class Room {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private limit: number) {}

  get size(): number {
    return this.limit;
  }

  /** Makes it larger. */
  grow(limit: number): void {
    this.limit = Math.max(this.limit, limit);
    this.#admit();
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#taken++;
    try {
      return await task();
    } finally {
      this.#taken--;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#taken < this.limit) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#taken++;
      next();
    }
  }
}
