import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/graph/network.js";
import { library } from "../built.js";

const file = (name: string) => readFileSync(new URL(`../fixtures/networks/${name}.safetensors`, import.meta.url));

/** Every trait of a CIFAR network that its weights do not show. */
const all: Partial<Architecture> = {
  shortcut: "zero-pad-symmetric",
  stemStride: 1,
  maxPool: "none",
  activation: "relu",
  activationAfterSum: true,
  stageStrides: [1, 2, 2],
  dilations: [1, 1, 1],
  antiAliasing: "none",
  globalPool: "average",
  residualScale: 1,
  epsilon: 1e-5,
};

describe.each([false, "auto"] as const)("what a model takes for granted, worker: %s", (worker) => {
  async function assumed(name: string, architecture?: string | Partial<Architecture>) {
    const model = await library.loadModel(file(name), { worker, threads: 1, device: "cpu", architecture });
    const { assumed } = model;
    await model.close();
    return assumed;
  }

  test("every trait that nobody stated and no weight shows, with its value", async () => {
    expect(await assumed("cifar-zero-pad")).toEqual(all);
    const imagenet = await assumed("bottleneck");
    expect(imagenet).toMatchObject({ strideIn: "3x3", stemStride: 2, maxPool: { kernel: 3, stride: 2, padding: 1 } });
    expect(imagenet).not.toHaveProperty("shortcut");
    expect(await assumed("basic")).not.toHaveProperty("strideIn");
  });

  test("less what is stated, and nothing where all is", async () => {
    const { stemStride: _, activation: __, ...rest } = all;
    expect(await assumed("cifar-zero-pad", { stemStride: 1, activation: "relu" })).toEqual(rest);
    expect(await assumed("cifar-zero-pad", all)).toEqual({});
    expect(await assumed("bottleneck", { firstStageStride: 1 })).not.toHaveProperty("stageStrides");
  });
});
