import { checkFields } from "../base/nearest.js";
import imagenetLabels from "../catalogue/imagenet-labels.json" with { type: "json" };
import { resolveModel } from "../catalogue/pulled.js";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { readRegular } from "../host/regular-file.js";
import { MAX_HEADER_BYTES } from "../limits.js";
import { wellKnownArchitecture } from "../model/index.js";
import { preprocessFields } from "../model/preprocess.js";
import type { LoadOptions, Preprocess } from "../options.js";
import { readFields } from "./fields.js";

export const optionTypes = {
  model: { type: "string" },
  architecture: { type: "string", multiple: true },
  preprocess: { type: "string", multiple: true },
  labels: { type: "string" },
  "input-size": { type: "string" },
  resize: { type: "string" },
  mean: { type: "string" },
  std: { type: "string" },
  device: { type: "string" },
  threads: { type: "string" },
  simd: { type: "string" },
  memory: { type: "string" },
  convolution: { type: "string" },
  tile: { type: "string" },
  precision: { type: "string" },
  "top-k": { type: "string" },
  "min-score": { type: "string" },
  logits: { type: "boolean" },
  recursive: { type: "boolean", short: "r" },
  sort: { type: "string" },
  link: { type: "boolean" },
  decode: { type: "string" },
  "max-errors": { type: "string" },
  arch: { type: "string", multiple: true },
  runs: { type: "string" },
  compare: { type: "string", multiple: true },
  rounds: { type: "string" },
  sustained: { type: "string" },
  markdown: { type: "boolean" },
  records: { type: "boolean" },
  list: { type: "boolean" },
  from: { type: "string" },
  images: { type: "string" },
  output: { type: "string" },
  calibration: { type: "string" },
  evaluate: { type: "string" },
  dtype: { type: "string" },
  index: { type: "string" },
  method: { type: "string" },
  holdout: { type: "string" },
  json: { type: "boolean" },
  debug: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

export type Options = {
  [K in keyof typeof optionTypes]?: (typeof optionTypes)[K] extends { multiple: true }
    ? string[]
    : (typeof optionTypes)[K]["type"] extends "boolean"
      ? boolean
      : string;
};

type Name = keyof typeof optionTypes;

const every: readonly Name[] = ["json", "debug", "help", "version"];
const ofModels: readonly Name[] = [
  "model",
  "architecture",
  "preprocess",
  "labels",
  "input-size",
  "resize",
  "mean",
  "std",
];
const ofEngines: readonly Name[] = ["device", "threads", "simd", "memory", "convolution", "tile"];

/** The options of each command. */
const takes = {
  classify: [
    ...ofModels,
    ...ofEngines,
    "precision",
    "top-k",
    "min-score",
    "logits",
    "output",
    "recursive",
    "sort",
    "link",
    "decode",
    "max-errors",
  ],
  inspect: [...ofModels, ...ofEngines, "precision", "records"],
  // It looks on the CPU, whatever the device.
  check: [...ofModels, ...ofEngines],
  // It computes on the CPU, as check does, and by the kernels that round alike everywhere.
  quantize: [...ofModels, "device", "threads", "simd", "images", "output", "calibration", "evaluate", "dtype"],
  convert: [...ofModels, "output"],
  bench: [...ofModels, ...ofEngines, "precision", "arch", "runs", "compare", "rounds", "sustained", "markdown"],
  embed: [...ofModels, ...ofEngines, "precision", "output"],
  explain: [...ofModels, ...ofEngines, "precision", "output", "index", "method"],
  teach: [...ofModels, ...ofEngines, "precision", "output", "holdout"],
  pull: ["list", "from"],
} as const satisfies Readonly<Record<string, readonly Name[]>>;

export type CommandName = keyof typeof takes;

/** Throws `OptionError` for an option that the command would pass over. */
export function checkOptions(command: CommandName, options: Options): void {
  const known: readonly string[] = [...every, ...takes[command]];
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd === undefined) return;
  const takers = Object.entries(takes).filter(([, names]: [string, readonly string[]]) => names.includes(odd));
  const verb = takers.length > 1 ? "take" : "takes";
  throw new OptionError(`${command} takes no --${odd}; ${takers.map(([name]) => name).join(", ")} ${verb} it.`);
}

/** The library's options for the command's. Values that are one of a few words are checked by the library. */
export async function loadOptions(options: Options): Promise<LoadOptions & { readonly labels?: readonly string[] }> {
  const { device, simd, memory, convolution, tile, precision, decode } = options as LoadOptions;
  const threads = options.threads === undefined || options.threads === "auto" ? "auto" : number(options, "threads");
  const preprocess: Record<string, unknown> = {};
  const entry = options.model === undefined ? null : resolveModel(options.model).entry;
  const inputSize = options["input-size"] === undefined ? undefined : size(options, "input-size");
  if (entry) {
    const { crop, resize, interpolation } = entry.preprocess;
    const side = typeof inputSize === "object" ? Math.max(...inputSize) : (inputSize ?? sideOf(crop));
    Object.assign(preprocess, { interpolation, resize: Math.round((sideOf(resize) * side) / sideOf(crop)) });
  }
  Object.assign(preprocess, readFields("--preprocess", options.preprocess ?? []));
  if (options.resize !== undefined) preprocess.resize = size(options, "resize");
  checkFields(preprocess, preprocessFields, "preprocess option");
  if (options.mean !== undefined) preprocess.mean = triple(options, "mean");
  if (options.std !== undefined) preprocess.std = triple(options, "std");
  return {
    device,
    simd,
    memory,
    convolution,
    tile,
    precision,
    decode,
    architecture: architectureOf(options.architecture),
    threads,
    preprocess: preprocess as Partial<Preprocess>,
    inputSize,
    labels: options.labels === undefined ? (entry ? imagenetLabels : undefined) : await readLabels(options.labels),
  };
}

/** The model that a command names, or the bundled one. */
export function modelOf({ model }: Options): string | URL {
  return model === undefined ? nodeHost.defaultModel() : resolveModel(model).source;
}

/** A whole number from `least`. */
export function number(options: Options, name: keyof Options, least = 1): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < least) {
    throw new OptionError(`--${name} is "${options[name]}"; it must be a whole number from ${least}.`);
  }
  return value;
}

/** One side in pixels, or height x width as `224x320`. */
function size(options: Options, name: "input-size" | "resize"): number | [height: number, width: number] {
  const [, height, width] = /^([1-9]\d{0,8})x([1-9]\d{0,8})$/.exec(options[name]!) ?? [];
  if (height !== undefined) return [Number(height), Number(width)];
  if (/^\d+$/.test(options[name]!)) return number(options, name);
  throw new OptionError(`--${name} is "${options[name]}"; it must be pixels, or HEIGHTxWIDTH such as 224x320.`);
}

const sideOf = (side: Preprocess["crop"]) => (typeof side === "number" ? side : Math.max(...side));

/** A well-known name, fields, or fields that differ from a name's. */
function architectureOf(texts: readonly string[] = []): LoadOptions["architecture"] {
  if (texts.length === 0) return undefined;
  if (texts.length === 1 && !/[={]/.test(texts[0]!)) return texts[0];
  return readFields("--architecture", texts, (text) => {
    // Classes and the kind of shortcut stand in the file.
    const { name: _, classes: __, shortcut: ___, ...fields } = wellKnownArchitecture(text);
    return fields;
  });
}

function triple(options: Options, name: "mean" | "std"): [number, number, number] {
  const values = options[name]!.split(",").map(Number);
  if (values.length !== 3 || !values.every(Number.isFinite)) {
    throw new OptionError(`--${name} is "${options[name]}"; it must be three numbers such as 0.485,0.456,0.406.`);
  }
  return values as [number, number, number];
}

async function readLabels(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readRegular(path, MAX_HEADER_BYTES));
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}
