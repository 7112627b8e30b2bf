import { OptionError, UnsupportedModelError } from "../errors.js";
import type { Architecture, Network } from "../graph/network.js";
import { MAX_CROP, MAX_RESIZE } from "../limits.js";
import type { Preprocess } from "../options.js";
import { defaultInputSize, type Size, sides, sizeOf } from "./input-size.js";
import { object, refuse, show, triple, wholeNumber } from "./json-values.js";

/** torchvision's: ImageNet's mean and standard deviation; the short side 256/224 of the crop, but not for CIFAR's images. */
export function defaultPreprocess(inputSize: Size, stem: Architecture["stem"]): Preprocess {
  return {
    crop: inputSize,
    resize: stem === "3x3" ? inputSize : resized(inputSize, (side) => (side * 256) / 224),
    // Of two sides the image covers both; a stated pair would stretch it.
    ...(typeof inputSize === "number" ? {} : { mode: "center" }),
    interpolation: "bilinear",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  };
}

/**
 * A network's preprocessing: what the caller states, else what the card says, else torchvision's. The crop is always the
 * network's input; where the card tells of another size, its resize keeps its ratio to the crop. Throws `OptionError` for
 * impossible overrides.
 */
export function preprocessFor(
  network: Network,
  card: { readonly preprocess: Partial<Preprocess> },
  overrides: Partial<Preprocess> = {},
): Preprocess {
  const { height, width } = network.values[network.input]!;
  const crop = sizeOf([height, width]);
  const { stem = "7x7" } = network.architecture;
  const wanted = fromCaller(overrides);
  if (wanted.crop !== undefined && String(sides(wanted.crop)) !== String([height, width])) {
    throw new OptionError(
      `options.preprocess.crop is ${showSize(wanted.crop)}, but the network's input is ${showSize(crop)} pixels; set inputSize: ${showSize(wanted.crop)} too.`,
    );
  }
  const stated = { ...card.preprocess };
  if (stated.resize !== undefined) {
    const before = sides(stated.crop ?? defaultInputSize({ stem }));
    // A single number is the short side's, which the crop's height stands for.
    stated.resize = resized(stated.resize, (side, axis) => (side * [height, width][axis]!) / before[axis]!);
  }
  const { mode, ...usual } = defaultPreprocess(crop, stem);
  const said = { ...stated, ...wanted };
  return { ...usual, ...(mode && said.resize === undefined ? { mode } : {}), ...said, crop };
}

const showSize = (size: Size) => (typeof size === "number" ? size : `[${size.join(", ")}]`);

function resized(size: Size, scale: (side: number, axis: number) => number): Size {
  if (typeof size === "number") return Math.round(scale(size, 0));
  return [Math.round(scale(size[0], 0)), Math.round(scale(size[1], 1))];
}

/** Keeps the fields of `Preprocess` that are stated, and checks their values. A file may ask for less than a caller. */
export function checkPreprocess(
  stated: unknown,
  where: string,
  [mostCrop, mostResize] = [MAX_CROP, MAX_RESIZE],
): Partial<Preprocess> {
  const { crop, resize, mode, interpolation, mean, std } = object(stated, where);
  const kept: { -readonly [K in keyof Preprocess]?: Preprocess[K] } = {};
  if (crop != null) kept.crop = pixels(crop, `${where}.crop`, mostCrop);
  if (resize != null) kept.resize = pixels(resize, `${where}.resize`, mostResize);
  if (mode != null) {
    if (mode !== "center" && mode !== "squash" && mode !== "border") {
      throw new UnsupportedModelError(`${where} has mode ${show(mode)}; center, squash and border are supported.`);
    }
    kept.mode = mode;
  }
  if (interpolation != null) {
    if (interpolation !== "bilinear" && interpolation !== "bicubic" && interpolation !== "nearest") {
      throw new UnsupportedModelError(
        `${where} has interpolation ${show(interpolation)}; bilinear, bicubic and nearest are supported.`,
      );
    }
    kept.interpolation = interpolation;
  }
  if (mean != null) kept.mean = triple(mean, `${where}.mean`);
  if (std != null) {
    kept.std = triple(std, `${where}.std`);
    if (kept.std.some((value) => value <= 0)) throw refuse(`${where}.std`, std, "three numbers above zero");
  }
  return kept;
}

export const preprocessFields: readonly string[] = ["crop", "resize", "mode", "interpolation", "mean", "std"];

function pixels(value: unknown, where: string, most: number): Size {
  if (most < 16384 && Math.max(...[value].flat().map(Number)) > most) {
    throw refuse(where, value, `at most ${most} pixels in a file; inputSize and preprocess may state more`);
  }
  if (!Array.isArray(value)) return wholeNumber(value, where);
  if (value.length !== 2) throw refuse(where, value, "a number or [height, width]");
  return [wholeNumber(value[0], where), wholeNumber(value[1], where)];
}

function fromCaller(overrides: Partial<Preprocess>): Partial<Preprocess> {
  for (const field of Object.keys(overrides)) {
    if (!preprocessFields.includes(field)) throw new OptionError(`There is no preprocess option "${field}".`);
  }
  try {
    return checkPreprocess(overrides, "options.preprocess", [16384, 16384]);
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}
