import { OptionError } from "../errors.js";
import { cropped, type Pixels, preprocess as prepare } from "../image/index.js";
import { both } from "../image/preprocess.js";
import type { Preprocess } from "../options.js";
import { spread } from "./spread.js";

/** Pictures that calibrate, unless stated: more tell little more. */
const CALIBRATION = 100;
/** Pictures held out that are tried. */
const MOST_EVALUATED = 500;

export interface Picture {
  readonly name: string;
  decode(): Promise<Pixels>;
}

/** Pictures wherever they come from. */
export interface Pictures<P = Picture> {
  /** Undefined where only the end shows it. */
  readonly length: number | undefined;
  /** The picture at an index, which grows from call to call; null behind the last one. */
  at(index: number): Promise<P | null>;
}

/** Crops of 8 bits, a quarter of a network's input: see `inputOf`. */
export interface Sets {
  readonly calibration: readonly Pixels[];
  readonly held: readonly Pixels[];
}

type Role = keyof Sets;

export interface Reading {
  readonly preprocess: Preprocess;
  /** How many calibrate, where that is stated. */
  readonly calibration: number | undefined;
  /** Pictures held out; null: some of the others are. */
  readonly evaluate: Pictures | null;
  /** `total` is 0 where it is not known. */
  readonly onPicture: (read: number, total: number) => void;
  readonly onFailed: (picture: Picture, error: unknown) => void;
}

/**
 * Reads pictures to calibrate on and pictures held out. Both are spread over the whole of a list; of a stream the pictures calibrate and are
 * held out in turns, until enough of them calibrate. `pictures`: null where none calibrate.
 */
export async function readPictures(pictures: Pictures | null, reading: Reading): Promise<Sets> {
  const { preprocess, calibration, evaluate, onPicture, onFailed } = reading;
  const sets: Record<Role, Pixels[]> = { calibration: [], held: [] };
  const wanted = calibration ?? CALIBRATION;
  let read = 0;
  const take = async (from: Pictures, index: number, role: Role, total: number): Promise<boolean> => {
    const picture = await from.at(index);
    if (!picture) return false;
    onPicture(++read, total);
    try {
      const pixels = await picture.decode();
      sets[role].push({ data: cropped(pixels, preprocess), ...both(preprocess.crop), channels: 3 });
    } catch (error) {
      onFailed(picture, error);
    }
    return true;
  };
  if (pictures?.length !== undefined) {
    const roles = rolesOf(pictures.length, wanted, calibration === undefined, evaluate === null);
    for (const [index, role] of roles) await take(pictures, index, role, roles.size);
  } else if (pictures) {
    const roleOf = (index: number) => (!evaluate && index % 2 === 1 ? "held" : "calibration");
    let index = 0;
    while (sets.calibration.length < wanted && (await take(pictures, index, roleOf(index), 0))) index++;
  }
  if (evaluate) {
    const { length } = evaluate;
    const indices = spread(numbers(length ?? MOST_EVALUATED), MOST_EVALUATED);
    read = 0;
    for (const index of indices) if (!(await take(evaluate, index, "held", length ? indices.length : 0))) break;
  }
  return sets;
}

/** Which of a list's pictures calibrate and which are held out, in the list's order. `halves`: at most half of them calibrate. */
function rolesOf(length: number, wanted: number, halves: boolean, hold: boolean): ReadonlyMap<number, Role> {
  const all = numbers(length);
  const chosen = new Set(spread(all, Math.min(wanted, halves && hold ? Math.ceil(length / 2) : length)));
  const others = all.filter((index) => !chosen.has(index));
  const held = hold ? spread(others, MOST_EVALUATED) : [];
  const read = [...chosen, ...held].sort((a, b) => a - b);
  return new Map(read.map((index) => [index, chosen.has(index) ? "calibration" : "held"]));
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The preprocessing of a crop: nothing is left to resize. */
export function ofCrops(preprocess: Preprocess): Preprocess {
  const { height, width } = both(preprocess.crop);
  return { ...preprocess, resize: [height, width], mode: "squash" };
}

/** The network's input, [3, H, W], of a crop. */
export const inputOf = (crop: Pixels, preprocess: Preprocess) => prepare(crop, ofCrops(preprocess));

/** Whatever a caller gives as images, one by one. Throws `OptionError` for what is no list of them. */
export function listPictures<Image, P>(
  images: Iterable<Image> | AsyncIterable<Image>,
  make: (image: Image, index: number) => P,
): Pictures<P> & { close(): Promise<void> } {
  const given = images as Partial<Iterable<Image> & AsyncIterable<Image> & ArrayLike<Image>>;
  const iterates = Object(given) === given && (given[Symbol.iterator] || given[Symbol.asyncIterator]);
  // Bytes are one image, and not a list of numbers.
  if (!iterates || ArrayBuffer.isView(given)) {
    throw new OptionError("Images are an array, or another iterable, of what classify takes; one image is [image].");
  }
  if (typeof given.length === "number") {
    const list = Array.from(given as ArrayLike<Image>);
    const at = async (index: number) => (index < list.length ? make(list[index]!, index) : null);
    return { length: list.length, at, close: async () => {} };
  }
  const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]!();
  let ended = false;
  return {
    length: undefined,
    async at(index) {
      const { done, value } = await iterator.next();
      ended = done === true;
      return ended ? null : make(value, index);
    },
    async close() {
      if (!ended) await iterator.return?.();
    },
  };
}
