import { OptionError, UnsupportedModelError } from "../errors.js";
import { checkFields } from "../nearest.js";
import type { Preprocess } from "../options.js";
import { defaultInputSize } from "./input-size.js";
import { object, refuse, show, triple, wholeNumber } from "./json-values.js";
import type { Architecture, Network } from "./network.js";

/** torchvision's: ImageNet's mean and standard deviation; the short side 256/224 of the crop, but not for CIFAR's images. */
export function defaultPreprocess(inputSize: number, stem: Architecture["stem"]): Preprocess {
  return {
    crop: inputSize,
    resize: stem === "3x3" ? inputSize : Math.round((inputSize * 256) / 224),
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
  const crop = network.values[network.input]!.height;
  const { stem } = network.architecture;
  const wanted = fromCaller(overrides);
  if (wanted.crop !== undefined && wanted.crop !== crop) {
    throw new OptionError(
      `options.preprocess.crop is ${wanted.crop}, but the network's input is ${crop} pixels wide; set inputSize: ${wanted.crop} too.`,
    );
  }
  const stated = { ...card.preprocess };
  if (stated.resize !== undefined) {
    stated.resize = Math.round((stated.resize * crop) / (stated.crop ?? defaultInputSize({ stem })));
  }
  return { ...defaultPreprocess(crop, stem), ...stated, ...wanted, crop };
}

/** Keeps the fields of `Preprocess` that are stated, and checks their values. */
export function checkPreprocess(stated: unknown, where: string): Partial<Preprocess> {
  const { crop, resize, interpolation, mean, std } = object(stated, where);
  const kept: { -readonly [K in keyof Preprocess]?: Preprocess[K] } = {};
  if (crop != null) kept.crop = wholeNumber(crop, `${where}.crop`);
  if (resize != null) kept.resize = wholeNumber(resize, `${where}.resize`);
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

const fields = ["crop", "resize", "interpolation", "mean", "std"];

function fromCaller(overrides: Partial<Preprocess>): Partial<Preprocess> {
  checkFields(overrides, fields, "preprocess option");
  try {
    return checkPreprocess(overrides, "options.preprocess");
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}
