import type { Contestant } from "./rounds.js";

/** How near an engine's int8 network comes to its own float network. */
export interface Agreement {
  readonly pictures: number;
  /** Pictures with the same best class. */
  readonly same: number;
  /** Between the two networks' logits: the mean over the pictures, and the lowest. */
  readonly cosine: number;
  readonly lowest: number;
}

/** A mean cosine below this is no rounding: a time would be that of another network. */
const LIMIT = 0.98;

/** Each picture's logits, kept. */
export async function logitsOf(engine: Contestant, pictures: readonly Float32Array[]): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const picture of pictures) all.push(Float32Array.from(await engine.run(picture)));
  return all;
}

export function compareLogits(float: readonly Float32Array[], int8: readonly Float32Array[]): Agreement {
  const cosines = float.map((logits, index) => cosine(logits, int8[index]!));
  return {
    pictures: float.length,
    same: float.filter((logits, index) => best(logits) === best(int8[index]!)).length,
    cosine: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
    lowest: Math.min(...cosines),
  };
}

/** Throws where an int8 network is another than its float network. */
export function mustBeNear(name: string, agreement: Agreement): void {
  if (agreement.cosine >= LIMIT) return;
  throw new Error(`${name}: ${describe(agreement)}. Its int8 network is not the float one.`);
}

export function describe({ pictures, same, cosine, lowest }: Agreement): string {
  return `best class of its own float on ${same} of ${pictures}, cosine ${cosine.toFixed(4)} (lowest ${lowest.toFixed(4)})`;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    ab += a[at]! * b[at]!;
    aa += a[at]! ** 2;
    bb += b[at]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

function best(logits: Float32Array): number {
  return logits.reduce((most, value, at) => (value > logits[most]! ? at : most), 0);
}
