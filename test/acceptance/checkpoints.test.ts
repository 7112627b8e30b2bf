import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/graph/network.js";
import { library } from "../built.js";
import { data, json, noData } from "./data.js";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly options: { readonly architecture?: object };
  readonly images: number;
}

const cases: readonly Case[] = noData ? [] : json("checkpoints/cases.json");

/** What has to be stated for each file to be read as it was made. */
const stated: Record<string, Partial<Architecture>> = {
  "head-udacity-fc1-fc2": { head: ["linear", "relu", "dropout", "linear", "log-softmax"] },
  "head-custom-module": { head: ["linear", "relu", "linear"] },
  "named-head-safetensors": { head: ["linear", "relu", "linear"] },
  "stem3x3-maxpool": { maxPool: {} },
  "stem3x3-stride2": { stemStride: 2 },
  "stem7x7-stride1": { stemStride: 1 },
  "plain-cifar": { shortcut: "none" },
  padend: { shortcut: "zero-pad-end" },
  strideIn1x1: { strideIn: "1x1" },
  "maxpool-ceil-pad0": { maxPool: { padding: 0, ceilMode: true } },
  "caffe-both-told": { strideIn: "1x1", maxPool: { padding: 0, ceilMode: true } },
  "aa-avg-resnetaa50": { antiAliasing: "average" },
  "act-silu": { activation: "silu" },
  "norelu-after-add": { activationAfterSum: false },
  "dilated-layer4": { dilations: [1, 1, 1, 2] },
  "eps1e-3": { epsilon: 1e-3 },
  globalmax: { globalPool: "max" },
  "head-cosine": { head: ["cosine"], cosineScale: 16 },
  "typo-in-architecture": { strideIn: "1x1" },
  "unknown-architecture-field": { strideIn: "1x1" },
};

/** Refused however it is asked, with what to do. */
const refused: Record<string, RegExp> = {
  "nan-weight": /NaN or an infinity/,
  "st-fp8": /F8_E4M3.*Convert the weights/,
  "hf-sharded": /which the index says it has. Download/,
};

/** Refused until it is stated, by the field's name. */
const open: Record<string, RegExp> = {
  "head-udacity-fc1-fc2": /architecture: \{ head: \["linear", "relu", "linear"\]/,
  "head-custom-module": /architecture: \{ head: \["linear", "relu", "linear"\]/,
  "named-head-safetensors": /architecture: \{ head: \["linear", "relu", "linear"\]/,
  "head-cosine": /head: \["cosine"\]/,
  "typo-in-architecture": /did you mean "strideIn"/,
};

const floats = (name: string) => {
  const bytes = readFileSync(new URL(`checkpoints/${name}`, data));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

interface Outcome {
  /** Largest logit error over the largest logit. */
  readonly error: number;
  readonly assumed: Partial<Architecture>;
}

async function outcomeOf({ name, file, options }: Case, architecture?: Partial<Architecture>): Promise<Outcome> {
  const source = new URL(`checkpoints/${file}`, data);
  const model = await library.loadModel(source, {
    ...options,
    ...(architecture ? { architecture } : {}),
    device: "cpu",
    threads: 1,
    worker: false,
  });
  const { logits } = await model.run(floats(`${name}.x.f32`));
  const { assumed } = model;
  await model.close();
  const truth = floats(`${name}.y.f32`);
  if (truth.length !== logits.length) return { error: Number.POSITIVE_INFINITY, assumed };
  let [worst, largest] = [0, 0];
  for (const [index, value] of truth.entries()) {
    worst = Math.max(worst, Math.abs(value - logits[index]!));
    largest = Math.max(largest, Math.abs(value));
  }
  return { error: worst / largest, assumed };
}

describe.skipIf(noData)(`checkpoints of the kinds that people have${noData}`, () => {
  test.each(cases)("$name, with its structure stated", async (found) => {
    const refusal = refused[found.name];
    if (refusal) await expect(outcomeOf(found, stated[found.name])).rejects.toThrow(refusal);
    else {
      const { error, assumed } = await outcomeOf(found, stated[found.name]);
      expect(error).toBeLessThan(1e-4);
      for (const field of Object.keys(stated[found.name] ?? {})) expect(assumed).not.toHaveProperty(field);
    }
  });

  test.each(cases)("$name, as it is", async (found) => {
    const refusal = refused[found.name] ?? open[found.name];
    if (refusal) return expect(outcomeOf(found)).rejects.toThrow(refusal);
    const { error, assumed } = await outcomeOf(found);
    const traits = stated[found.name];
    if (!traits) return expect(error).toBeLessThan(1e-4);
    // What no tensor shows takes its usual value, and the model says so; pictures show it, and the classifier's doubts say that.
    expect(error).toBeGreaterThan(1e-4);
    const told = found.options.architecture ?? {};
    const untold = Object.entries(traits).filter(([field]) => !(field in told));
    expect(untold.length).toBeGreaterThan(0);
    for (const [field, value] of untold) {
      expect(assumed).toHaveProperty(field);
      expect(assumed[field as keyof Architecture]).not.toEqual(value);
    }
  });
});
