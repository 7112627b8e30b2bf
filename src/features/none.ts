import { ModelFormatError } from "../errors.js";

/** What is predicted for a picture that is none of the classes, but for its score. */
export const NONE = { index: -1, label: "none of these" } as const;

/** How a model tells what is none of its classes, by pooled features. */
export interface None {
  /** Unit vectors, each [features]. */
  readonly directions: readonly Float32Array[];
  /** A picture whose largest cosine with a direction is below is none of the classes. */
  readonly threshold: number;
  /** Deviation of the cosines of pictures that were taught. */
  readonly spread: number;
}

/** The largest cosine with a direction. */
export function nearness({ directions }: None, features: Float32Array): number {
  const squares = features.reduce((sum, value) => sum + value * value, 0);
  let best = -1;
  for (const direction of directions) {
    const sum = direction.reduce((total, value, at) => total + value * features[at]!, 0);
    if (squares > 0) best = Math.max(best, sum / Math.sqrt(squares));
  }
  return best;
}

/** 0 to 1: above a half where the picture is refused. A logistic curve: three quarters at a half spread below the threshold. */
export function noneScore({ threshold, spread }: None, near: number): number {
  return 1 / (1 + Math.exp((2.2 * (near - threshold)) / spread));
}

/** As a file's metadata has it: directions in base64, f32, little-endian. */
export function writeNone({ directions, threshold, spread }: None): object {
  const length = directions[0]?.length ?? 0;
  const all = new Float32Array(directions.length * length);
  for (const [index, direction] of directions.entries()) all.set(direction, index * length);
  let text = "";
  for (const byte of new Uint8Array(all.buffer)) text += String.fromCharCode(byte);
  return { kind: "cosine", count: directions.length, directions: btoa(text), threshold, spread };
}

/** Reads what `writeNone` wrote. Throws `ModelFormatError` for anything else. */
export function readNone(value: unknown, features: number): None {
  const fail = (what: string): never => {
    throw new ModelFormatError(`The file's "none" metadata ${what}. It is damaged, or of a later version.`);
  };
  if (typeof value !== "object" || value === null) fail("is no object");
  const { kind, count, directions, threshold, spread } = value as Record<string, unknown>;
  if (kind !== "cosine") fail(`is of kind ${JSON.stringify(kind)?.slice(0, 40)}`);
  if (typeof threshold !== "number" || !(Math.abs(threshold) <= 1)) fail("has no threshold from -1 to 1");
  if (typeof spread !== "number" || !(spread > 0 && spread <= 2)) fail("has no spread above 0");
  if (typeof directions !== "string" || !Number.isInteger(count) || !((count as number) > 0)) fail("has no directions");
  let text = "";
  try {
    text = atob(directions as string);
  } catch {
    fail("has directions that are no base64");
  }
  if (text.length !== 4 * features * (count as number))
    fail(`has ${text.length} bytes of directions for ${features} features`);
  const all = new Float32Array(Uint8Array.from(text, (byte) => byte.charCodeAt(0)).buffer);
  if (!all.every(Number.isFinite)) fail("has a direction that is not finite");
  const list = Array.from({ length: count as number }, (_, index) =>
    all.slice(index * features, (index + 1) * features),
  );
  return { directions: list, threshold: threshold as number, spread: spread as number };
}
