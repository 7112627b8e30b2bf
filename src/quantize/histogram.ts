/** Bins from 0 to the greatest magnitude so far: 16 for each step of a u7. */
const BINS = 2048;

/** Counts of a value's magnitudes over all pictures. A value's own sign does not matter: integers are symmetric, or above zero. */
export class Histogram {
  readonly counts = new Float64Array(BINS);
  /** Upper end of the last bin; a power of two times the first maximum, so that bins can be joined in pairs. */
  #end = 0;

  get end(): number {
    return this.#end;
  }

  /** Adds H x W x C values, of which `channels` of each `step` count. */
  add(values: Float32Array, channels: number, step: number): void {
    let most = 0;
    for (let at = 0; at < values.length; at++) {
      const magnitude = Math.abs(values[at]!);
      if (magnitude > most) most = magnitude;
    }
    if (most === 0) return;
    if (this.#end === 0) this.#end = most * (1 + 2 ** -20);
    while (most >= this.#end) this.#widen();
    const { counts } = this;
    const perUnit = BINS / this.#end;
    for (let pixel = 0; pixel < values.length; pixel += step) {
      for (let at = pixel; at < pixel + channels; at++) {
        const bin = Math.min(BINS - 1, Math.floor(Math.abs(values[at]!) * perUnit));
        counts[bin] = counts[bin]! + 1;
      }
    }
  }

  /** Joins pairs of bins. */
  #widen(): void {
    const { counts } = this;
    for (let bin = 0; bin < BINS / 2; bin++) counts[bin] = counts[2 * bin]! + counts[2 * bin + 1]!;
    counts.fill(0, BINS / 2);
    this.#end *= 2;
  }
}
