import { ModelFormatError, OptionError, UnsupportedModelError } from "../errors.js";
import type { Preprocess } from "../options.js";
import type { StateDict } from "../tensor.js";
import { checkArchitecture } from "./architectures.js";
import { defaultInputSize } from "./input-size.js";
import type { Architecture, Network } from "./network.js";

/** What is said beside a model's weights. Fields about which nothing is said are absent. */
export interface ModelCard {
  /** Class names in index order. */
  readonly labels: readonly string[] | null;
  readonly preprocess: Partial<Preprocess>;
  readonly architecture: Partial<Architecture>;
}

/** The JSON files that lie beside the weights in a Hugging Face folder, parsed. */
export interface CardFiles {
  /** `config.json`, of Transformers or of timm. */
  config?: unknown;
  /** `preprocessor_config.json`. */
  preprocessor?: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Gathers labels, preprocessing and hints at the architecture: from the JSON in a safetensors file's `resnet-edge` metadata,
 * and from a Hugging Face folder's files, which win. A pure function of its arguments.
 *
 * Throws `ModelFormatError` for JSON that does not parse or values that cannot be, `UnsupportedModelError` for preprocessing
 * or layers that this library does not have.
 */
export function modelCard(state: Pick<StateDict, "metadata">, files: CardFiles = {}): ModelCard {
  const card: { -readonly [K in keyof ModelCard]: ModelCard[K] } = { labels: null, preprocess: {}, architecture: {} };
  const text = state.metadata.get("resnet-edge");
  const sources = [
    () => (text === undefined ? {} : readMetadata(text)),
    () => (files.config === undefined ? {} : readConfig(object(files.config, "config.json"))),
    () =>
      files.preprocessor === undefined ? {} : readProcessor(object(files.preprocessor, "preprocessor_config.json")),
  ];
  for (const read of sources) {
    const { labels, preprocess, architecture } = read() as Partial<ModelCard>;
    card.labels = labels ?? card.labels;
    card.preprocess = { ...card.preprocess, ...preprocess };
    card.architecture = { ...card.architecture, ...architecture };
  }
  return card;
}

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
export function preprocessFor(network: Network, card: ModelCard, overrides: Partial<Preprocess> = {}): Preprocess {
  const crop = network.values[network.input]!.height;
  const { stem } = network.architecture;
  const stated = { ...card.preprocess };
  if (stated.resize !== undefined) {
    stated.resize = Math.round((stated.resize * crop) / (stated.crop ?? defaultInputSize({ stem })));
  }
  return { ...defaultPreprocess(crop, stem), ...stated, ...fromCaller(overrides), crop };
}

function fromCaller(overrides: Partial<Preprocess>): Partial<Preprocess> {
  try {
    return checkPreprocess(overrides, "options.preprocess");
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function readMetadata(text: string): Partial<ModelCard> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ModelFormatError(`The file's resnet-edge metadata is not JSON: ${text.slice(0, 60)}`);
  }
  const { labels, preprocess, architecture } = object(json, "resnet-edge metadata");
  return {
    labels: labels == null ? undefined : readLabels(labels),
    preprocess: preprocess == null ? {} : checkPreprocess(preprocess, "preprocess"),
    architecture: architecture == null ? {} : checkArchitecture(architecture, "file"),
  };
}

/** `config.json` of Transformers' ResNetForImageClassification, or of timm (`pretrained_cfg`). */
function readConfig(config: Json): Partial<ModelCard> {
  const pretrained = config.pretrained_cfg;
  if (pretrained !== undefined) {
    const timm = object(pretrained, "pretrained_cfg");
    const [, crop] = Array.isArray(timm.input_size) ? timm.input_size : [];
    const ratio = number(timm.crop_pct ?? 0.875, "crop_pct", 0.01, 1);
    const named = config.label_names ?? timm.label_names;
    return {
      labels: named == null ? undefined : readLabels(named),
      preprocess: checkPreprocess(
        {
          crop,
          resize: crop === undefined ? undefined : Math.floor(number(crop, "input_size", 1, 16384) / ratio),
          interpolation: timm.interpolation,
          mean: timm.mean,
          std: timm.std,
        },
        "pretrained_cfg",
      ),
    };
  }

  const { model_type, id2label, hidden_act, num_channels, layer_type, depths, hidden_sizes, embedding_size } = config;
  if (model_type !== undefined && model_type !== "resnet") {
    throw new UnsupportedModelError(`config.json is of a ${show(model_type)}; only "resnet" is supported.`);
  }
  if ((hidden_act ?? "relu") !== "relu" || (num_channels ?? 3) !== 3) {
    throw new UnsupportedModelError(
      `config.json has hidden_act ${show(hidden_act)} and num_channels ${show(num_channels)}; only "relu" and 3 are supported.`,
    );
  }
  const block = layer_type === undefined && depths === undefined ? undefined : (layer_type ?? "bottleneck");
  const sizes = Array.isArray(hidden_sizes)
    ? hidden_sizes.map((size) => (block === "basic" ? size : size / 4))
    : undefined;
  return {
    labels: id2label == null ? undefined : readLabels(id2label),
    architecture: checkArchitecture(
      {
        block,
        layers: depths,
        widths: sizes,
        stemWidth: embedding_size,
        strideIn: config.downsample_in_bottleneck === true ? "1x1" : undefined,
        firstStageStride: config.downsample_in_first_stage === true ? 2 : undefined,
      },
      "file",
    ),
  };
}

/**
 * `preprocessor_config.json`. ConvNextImageProcessor, which Transformers' ResNet uses, resizes the short side to
 * size / crop_pct and crops to size; from 384 pixels on it stretches instead. Others name a `crop_size` of their own.
 */
function readProcessor(config: Json): Partial<ModelCard> {
  const { size, crop_size, crop_pct, resample } = config;
  const shortEdge = typeof size === "object" && size !== null ? (size as Json).shortest_edge : size;
  const preprocess: Record<string, unknown> = {};
  if (config.do_resize === false) {
    throw new UnsupportedModelError(
      "preprocessor_config.json has do_resize false: images of any size cannot be classified.",
    );
  }
  if (size !== undefined) {
    const edge = number(shortEdge, "size.shortest_edge", 1, 16384);
    if (crop_size != null && config.do_center_crop !== false) {
      preprocess.resize = edge;
      preprocess.crop = typeof crop_size === "object" && crop_size !== null ? (crop_size as Json).height : crop_size;
    } else if (edge >= 384) {
      throw new UnsupportedModelError(
        `preprocessor_config.json stretches images to ${edge} x ${edge}, which is not supported; load the weights without it.`,
      );
    } else {
      preprocess.crop = edge;
      preprocess.resize = Math.floor(edge / number(crop_pct ?? 224 / 256, "crop_pct", 0.01, 1));
    }
  }
  if (resample !== undefined) {
    // PIL.Image.Resampling.
    preprocess.interpolation = { 0: "nearest", 2: "bilinear", 3: "bicubic" }[resample as number] ?? resample;
  }

  // Their mean and deviation are of pixels times rescale_factor; ours of pixels / 255.
  const factor =
    config.do_rescale === false ? 1 : number(config.rescale_factor ?? 1 / 255, "rescale_factor", 1e-9, 1e9);
  const unit = factor * 255;
  const raw = config.do_normalize === false;
  const scaled = (values: unknown, otherwise: number) =>
    (raw || values === undefined ? [otherwise, otherwise, otherwise] : triple(values, "image_mean or image_std")).map(
      (value) => value / unit,
    );
  if (raw || config.image_mean !== undefined) preprocess.mean = scaled(config.image_mean, 0);
  if (raw || config.image_std !== undefined) preprocess.std = scaled(config.image_std, 1);
  return { preprocess: checkPreprocess(preprocess, "preprocessor_config.json") };
}

/** Keeps the fields of `Preprocess` that are stated, and checks their values. */
function checkPreprocess(stated: unknown, where: string): Partial<Preprocess> {
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

/** A list of strings, or Transformers' `id2label`: an object from "0", "1" ... to strings. */
function readLabels(value: unknown): string[] {
  const entries = Object.entries(object(value, "labels"));
  const labels = new Array<string>(entries.length);
  for (const [key, label] of entries) {
    const index = Number(key);
    // "00" would be a second name of class 0, and leave the last class without one.
    const known = Number.isInteger(index) && index >= 0 && index < entries.length && String(index) === key;
    if (!known || typeof label !== "string") {
      throw refuse(`the label of class ${key.slice(0, 40)}`, label, `a string, for classes 0 to ${entries.length - 1}`);
    }
    labels[index] = label;
  }
  return labels;
}

function object(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null) throw refuse(where, value, "an object");
  return value as Json;
}

function number(value: unknown, where: string, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw refuse(where, value, `a number from ${least} to ${most}`);
}

function wholeNumber(value: unknown, where: string): number {
  if (Number.isInteger(number(value, where, 1, 65536))) return value as number;
  throw refuse(where, value, "a whole number");
}

function triple(value: unknown, where: string): [number, number, number] {
  if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite))
    return value as [number, number, number];
  throw refuse(where, value, "three numbers");
}

function refuse(where: string, value: unknown, expected: string): ModelFormatError {
  return new ModelFormatError(`${where} is ${show(value)}; expected ${expected}.`);
}

const show = (value: unknown) => String(JSON.stringify(value)).slice(0, 80);
