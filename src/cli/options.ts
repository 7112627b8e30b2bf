import { readFile } from "node:fs/promises";
import imagenetLabels from "../catalogue/imagenet-labels.json" with { type: "json" };
import { resolveModel } from "../catalogue/pulled.js";
import { OptionError, SourceError } from "../errors.js";
import { nodeHost } from "../host-node.js";
import type { LoadOptions, Preprocess } from "../options.js";

export const optionTypes = {
  model: { type: "string" },
  architecture: { type: "string" },
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
  "top-k": { type: "string" },
  "min-score": { type: "string" },
  logits: { type: "boolean" },
  arch: { type: "string", multiple: true },
  runs: { type: "string" },
  list: { type: "boolean" },
  from: { type: "string" },
  json: { type: "boolean" },
  debug: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export type Options = {
  [K in keyof typeof optionTypes]?: (typeof optionTypes)[K] extends { multiple: true }
    ? string[]
    : (typeof optionTypes)[K]["type"] extends "boolean"
      ? boolean
      : string;
};

/** The library's options for the command's. Values that are one of a few words are checked by the library. */
export async function loadOptions(options: Options): Promise<LoadOptions> {
  const { device, simd, memory, convolution, tile, architecture } = options as LoadOptions;
  const threads = options.threads === undefined || options.threads === "auto" ? "auto" : number(options, "threads");
  const preprocess: { -readonly [K in keyof Preprocess]?: Preprocess[K] } = {};
  const entry = options.model === undefined ? null : resolveModel(options.model).entry;
  const inputSize = options["input-size"] === undefined ? undefined : number(options, "input-size");
  if (entry) {
    const { crop, resize, interpolation } = entry.preprocess;
    Object.assign(preprocess, {
      interpolation,
      resize: Math.round(((resize as number) * (inputSize ?? (crop as number))) / (crop as number)),
    });
  }
  if (options.resize !== undefined) preprocess.resize = number(options, "resize");
  if (options.mean !== undefined) preprocess.mean = triple(options, "mean");
  if (options.std !== undefined) preprocess.std = triple(options, "std");
  return {
    device,
    simd,
    memory,
    convolution,
    tile,
    architecture,
    threads,
    preprocess,
    inputSize,
    labels: options.labels === undefined ? (entry ? imagenetLabels : undefined) : await readLabels(options.labels),
  };
}

/** The model that a command names, or the bundled one. */
export function modelOf({ model }: Options): string | URL {
  return model === undefined ? nodeHost.defaultModel : resolveModel(model).source;
}

/** A whole number from 1. */
export function number(options: Options, name: keyof Options): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < 1) {
    throw new OptionError(`--${name} is "${options[name]}"; it must be a whole number from 1.`);
  }
  return value;
}

function triple(options: Options, name: "mean" | "std"): [number, number, number] {
  const values = options[name]!.split(",").map(Number);
  if (values.length !== 3 || !values.every(Number.isFinite)) {
    throw new OptionError(`--${name} is "${options[name]}"; it must be three numbers such as 0.485,0.456,0.406.`);
  }
  return values as [number, number, number];
}

async function readLabels(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new SourceError(`The labels at ${path} could not be read: ${(cause as Error).message}`, { cause });
  }
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}
