import type { Agreement } from "./agreement.js";

/** One engine, ready to run: an input in, logits out, where the caller can read them. */
export interface Contestant {
  readonly name: string;
  readonly run: (input: Float32Array) => Promise<Float32Array>;
}

export interface Measured {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly p10: number;
  readonly p90: number;
  /** Of an int8 network with the same engine's float network. */
  readonly agreement?: Agreement;
}

/** Throws unless all engines give the first one's logits, within `tolerance` of the largest. */
export async function mustAgree(engines: readonly Contestant[], input: Float32Array, tolerance = 1e-3): Promise<void> {
  const expected = Float32Array.from(await engines[0]!.run(input));
  const largest = expected.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
  for (const engine of engines.slice(1)) {
    const logits = await engine.run(input);
    const error = expected.reduce((worst, value, index) => Math.max(worst, Math.abs(value - logits[index]!)), 0);
    if (!(error <= tolerance * largest)) {
      throw new Error(
        `${engine.name} and ${engines[0]!.name} differ by ${error} of ${largest}: no time would mean anything`,
      );
    }
  }
}

/** Inferences of a turn that count take so long together, in ms, or are a single one: small networks take more of them. */
const TURN_MS = 250;

/**
 * Runs the engines in turn, round by round, so that a slow phase of the machine falls on all of them. A turn is an inference
 * that does not count, then some that do: what a stream of them takes, each.
 */
export async function alternate(
  engines: readonly Contestant[],
  input: Float32Array,
  rounds: number,
  warmup = 5,
): Promise<Measured[]> {
  const times = engines.map(() => [] as number[]);
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, engine] of engines.entries()) {
      // What the engine before left to be done, and cores that slept meanwhile, fall on this one.
      await engine.run(input);
      if (round < 0) continue;
      const turn = performance.now();
      let start = turn;
      while (start - turn < TURN_MS) {
        await engine.run(input);
        const end = performance.now();
        times[index]!.push(end - start);
        start = end;
      }
    }
  }
  return engines.map(({ name }, index) => ({ name, ...spread(times[index]!) }));
}

export function spread(times: readonly number[]): Omit<Measured, "name"> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { median: at(0.5), min: sorted[0]!, p10: at(0.1), p90: at(0.9) };
}

/** A table of the results: ratios are medians over the first engine's. */
export function report(title: string, results: readonly Measured[]): string {
  const lines = [
    title,
    `${"engine".padEnd(48)} ${"median".padStart(9)} ${"min".padStart(9)} ${"p10-p90".padStart(17)} ${"ratio".padStart(7)}`,
  ];
  for (const { name, median, min, p10, p90 } of results) {
    const range = `${p10.toFixed(2)}-${p90.toFixed(2)}`;
    const ratio = (median / results[0]!.median).toFixed(2);
    lines.push(
      `${name.padEnd(48)} ${median.toFixed(2).padStart(9)} ${min.toFixed(2).padStart(9)} ${range.padStart(17)} ${ratio.padStart(7)}`,
    );
  }
  return lines.join("\n");
}
