import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ResnetEdgeError, UnsupportedModelError } from "../../src/errors.js";
import type { Architecture, Network } from "../../src/graph/network.js";
import { checkStages } from "../../src/graph/stages.js";
import { assumedOf } from "../../src/model/assumed.js";
import { buildNetwork, describeNetwork, invertedNames, pseudoRandomNetwork } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { engineFor, modules } from "../cpu/engine.js";
import { changed, halves } from "./fixtures.js";
import { runReference, runReferenceStages } from "./reference.js";

// As torchvision's tables of weights state them (num_params, _ops); EfficientNet-Lite0's and EfficientNetV2's parameters are timm's.
describe.each([
  ["mobilenet_v2", 3_504_872, 0.301],
  ["mobilenet_v3_large", 5_483_032, 0.217],
  ["mobilenet_v3_small", 2_542_856, 0.057],
  ["efficientnet_b0", 5_288_548, 0.386],
  ["mnasnet1_0", 4_383_312, 0.314],
  ["efficientnet_lite0", 4_652_008, null],
  ["efficientnetv2_s", 21_458_488, null],
  ["efficientnetv2_rw_s", 23_941_296, null],
  ["efficientnetv2_m", 54_139_356, null],
] as const)("%s", (name, parameters, billions) => {
  const description = describeNetwork(pseudoRandomNetwork(name));

  test(`has ${parameters} parameters`, () => {
    expect(description.parameters).toBe(parameters);
    expect(invertedNames).toContain(name);
  });

  test.runIf(billions !== null)(`takes ${billions} billion multiply-accumulates`, () => {
    expect(description.macs / 1e9).toBeCloseTo(billions!, 3);
  });
});

test.each(["mobilenet_v2", "efficientnet_lite0", "mnasnet1_0"])("activations of %s keep their size", (name) => {
  const network = pseudoRandomNetwork(name, { inputSize: 64 });
  const noise = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => 2 * Math.sin(12.9898 * i) * Math.cos(0.37 * i));
  for (const values of runReferenceStages(network, noise)) {
    const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(size).toBeGreaterThan(0.2);
    expect(size).toBeLessThan(10);
  }
});

const folder = new URL("../fixtures/families/", import.meta.url);
const { size, input, cases } = JSON.parse(readFileSync(new URL("families.json", folder), "utf8")) as {
  readonly size: number;
  readonly input: string;
  readonly cases: Record<string, { readonly stated: Partial<Architecture> | null; readonly logits: readonly number[] }>;
};
const image = halves(Buffer.from(input, "base64"));
const stateOf = (name: string) => readSafetensors(readFileSync(new URL(`${name}.safetensors`, folder)), name);

/** Largest error over the largest logit. */
function error(network: Network, logits: readonly number[]): number {
  const actual = runReference(network, image);
  if (actual.length !== logits.length) return Number.POSITIVE_INFINITY;
  return (
    Math.max(...logits.map((logit, index) => Math.abs(logit - actual[index]!))) / Math.max(...logits.map(Math.abs))
  );
}

const entries = Object.entries(cases).map(([name, { stated, logits }]) => ({ name, stated, logits }));

describe.each(entries)("a file: $name", ({ name, stated, logits }) => {
  const options = { inputSize: size, ...(stated ? { architecture: stated } : {}) };

  test("gives PyTorch's logits, BatchNorms folded or not", () => {
    expect(error(buildNetwork(stateOf(name), options), logits)).toBeLessThan(1e-5);
    expect(error(buildNetwork(stateOf(name), { ...options, foldBatchNorm: false }), logits)).toBeLessThan(1e-5);
  });

  test.each(modules)("gives them on the CPU, by the %s module", async (simd) => {
    const engine = await engineFor(buildNetwork(stateOf(name), options), { simd, threads: 1 });
    try {
      const found = await engine.run(0, engine.network.stages.length - 1, image);
      const largest = Math.max(...logits.map(Math.abs));
      expect(Math.max(...logits.map((logit, index) => Math.abs(logit - found[index]!))) / largest).toBeLessThan(1e-5);
    } finally {
      await engine.close();
    }
  });

  test("has stages that hang together, and features without its classifier", () => {
    const network = buildNetwork(stateOf(name), options);
    expect(() => checkStages(network)).not.toThrow();
    expect(network.architecture.classes).toBe(5);
    const features = buildNetwork(stateOf(name), { ...options, includeTop: false });
    expect(features.architecture.classes).toBe(0);
    expect(features.values[features.output]!.height).toBe(1);
  });

  test.runIf(stated)("says what it assumes where nothing is stated", () => {
    const state = stateOf(name);
    let network: Network;
    try {
      network = buildNetwork(state, { inputSize: size });
    } catch (refusal) {
      expect(refusal).toBeInstanceOf(ResnetEdgeError);
      for (const field of Object.keys(stated!)) expect((refusal as Error).message).toContain(field);
      return;
    }
    expect(error(network, logits)).toBeGreaterThan(1e-3);
    expect(assumedOf(network, {})).toMatchObject(
      Object.fromEntries(Object.keys(stated!).map((field) => [field, expect.anything()])),
    );
  });

  test("is refused without any one of its tensors, or with one more, which is named", () => {
    const state = stateOf(name);
    const names = [...state.tensors.keys()];
    // Every seventh, and each kind of layer's.
    for (const [index, removed] of names.entries()) {
      const own = removed.replace(/\d+/g, "");
      if (index % 7 !== 0 && names.findIndex((other) => other.replace(/\d+/g, "") === own) !== index) continue;
      let network: Network;
      try {
        network = buildNetwork(changed(state, { [removed]: null }), options);
      } catch (refusal) {
        expect(refusal).toBeInstanceOf(ResnetEdgeError);
        continue;
      }
      // What can be left out leaves a network that says so.
      const without = /(^|\.)(fc|classifier|linear|head\.fc)(\.\d)?\.(weight|bias)$|\.bias$/;
      expect(removed).toMatch(without);
      expect(network.architecture.classes === 0 || removed.endsWith(".bias")).toBe(true);
    }
    const extra = `${names[0]!.replace(/[^.]*$/, "")}attention.gamma`;
    expect(() => buildNetwork(changed(state, { [extra]: { shape: [3, 3] } }), options)).toThrow(UnsupportedModelError);
    expect(() => buildNetwork(changed(state, { [extra]: { shape: [3, 3] } }), options)).toThrow(/attention\.gamma/);
  });
});

describe("wrappers and statements", () => {
  const name = "mobilenet-v2-timm";
  const { logits } = cases[name]!;
  const prefixed = (prefix: string) => {
    const state = stateOf(name);
    return { ...state, tensors: new Map([...state.tensors].map(([own, tensor]) => [prefix + own, tensor])) };
  };

  test("a wrapper's names are passed over", () => {
    expect(error(buildNetwork(prefixed("module.model."), { inputSize: size }), logits)).toBeLessThan(1e-5);
  });

  test("a stated prefix chooses the network, and what it leaves out is told", () => {
    const state = prefixed("student.");
    const both = { ...state, tensors: new Map([...state.tensors, ...prefixed("teacher.").tensors]) };
    const network = buildNetwork(both, { inputSize: size, architecture: { prefix: "student" } });
    expect(error(network, logits)).toBeLessThan(1e-5);
    expect(network.ignored).toContain("teacher.conv_stem.weight");
  });

  test("a name states all of it, and another family's name is refused", () => {
    const named = buildNetwork(stateOf(name), { inputSize: size, architecture: "mobilenetv2_100.ra_in1k" });
    expect(assumedOf(named, null)).toEqual({});
    expect(assumedOf(buildNetwork(stateOf(name), { inputSize: size }), {})).toEqual({
      ...{ activation: "relu6", epsilon: 1e-5, padding: "symmetric" },
    });
    for (const other of ["efficientnet_b0", "tf_mobilenetv3_large_100", "resnetv2_50"]) {
      expect(() => buildNetwork(stateOf(name), { architecture: other })).toThrow(UnsupportedModelError);
      expect(() => buildNetwork(stateOf("se"), { architecture: other })).toThrow(UnsupportedModelError);
    }
  });

  test("a field that a family has no place for is refused by its name", () => {
    expect(() => buildNetwork(stateOf(name), { architecture: { strideIn: "1x1" } })).toThrow(/strideIn.*mobilenet_v2/);
    expect(() => buildNetwork(stateOf("se"), { architecture: { padding: "same" } })).toThrow(/padding/);
    expect(() => buildNetwork(stateOf("se"), { architecture: { attention: "eca" } })).toThrow(/"eca".*"se"/);
  });
});
