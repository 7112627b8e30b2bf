import { beforeAll, expect, test } from "vitest";
import { checkFinite } from "../../src/cpu/int8/places.js";
import type { Network } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/pseudo-random.js";
import { onEngine } from "../../src/quantize/engine.js";
import { writeNetwork } from "../../src/quantize/file.js";
import { runRounded } from "../../src/quantize/run.js";
import { library } from "../built.js";
import { engineFor, modules } from "../cpu/engine.js";
import { card, cpu, inputs, quantized } from "../quantize/fixture.js";
import { generator } from "../random.js";
import { inIntegers } from "./integers.js";

let network: Network;
let file: Uint8Array;
beforeAll(async () => {
  ({ network } = await quantized());
  file = writeNetwork(network, card, "f16");
}, 120_000);

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

async function logitsOf(of: Network, input: Float32Array, options: Parameters<typeof engineFor>[1] = {}) {
  const engine = await engineFor(of, options);
  try {
    return (await engine.run(0, of.stages.length - 1, input)).slice();
  } finally {
    await engine.close();
  }
}

test("a quantized network answers as its simulation in f32, which rounds the same values", async () => {
  for (const input of inputs.slice(0, 4)) {
    const simulated = await onEngine(network, cpu, (inside) => runRounded(inside, network.values, input));
    const found = await logitsOf(network, input, { simd: "baseline" });
    // Sums in f32 may round to the other side of a half, now and then: of 127 steps, a few values are one off.
    const off = largest(found.map((value, at) => value - simulated[at]!));
    expect(off).toBeLessThan(0.02 * largest(simulated));
  }
});

test("both modules, and memory: small, change no bit behind the stem, which is f32", async () => {
  const last = network.stages.length - 1;
  const settings = [{ simd: "baseline" }, ...modules.map((simd) => ({ simd, memory: "small" as const }))] as const;
  const engines = await Promise.all(settings.map((options) => engineFor(network, options)));
  const stem = (await engines[0]!.run(0, 0, inputs[0]!)).slice();
  const all: Float32Array[] = [];
  for (const engine of engines) all.push((await engine.run(1, last, stem)).slice());
  for (const logits of all) expect(logits).toEqual(all[0]);
  await Promise.all(engines.map((engine) => engine.close()));
});

test("stages run apart, handed over in f32, give what the whole gives", async () => {
  const engine = await engineFor(network);
  const whole = (await engine.run(0, network.stages.length - 1, inputs[1]!)).slice();
  let value = inputs[1]!;
  for (const stage of network.stages.keys()) value = (await engine.run(stage, stage, value)).slice();
  expect(value).toEqual(whole);
  await engine.close();
});

test("an input that is not finite is an error: integers cannot carry it", async () => {
  const engine = await engineFor(network);
  const input = inputs[0]!.slice();
  input[77] = Number.NaN;
  await expect(engine.run(0, network.stages.length - 1, input)).rejects.toThrow("Value 77 of the input is NaN");
  await engine.close();
  for (let length = 0; length < 10; length++) {
    expect(() => checkFinite(new Float32Array(length).fill(3e38))).not.toThrow();
    for (let at = 0; at < length; at++) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(() => checkFinite(new Float32Array(length).fill(-3e38).fill(value, at))).toThrow(`Value ${at} of`);
      }
    }
  }
});

const convolutions = ["auto", "direct", "winograd2", "winograd4", "winograd4-lean"] as const;

test.each(convolutions)(
  "what has no kernel for integers runs in f32 between them: convolution %s",
  async (convolution) => {
    const random = generator(3);
    const float = pseudoRandomNetwork("resnet20-cifar");
    const mixed = inIntegers(float, 6);
    // Some layers in f32, and some values: conversions on every side.
    const ops = mixed.stages.map((stage) => ({
      ...stage,
      ops: stage.ops.map((op) =>
        "weight" in op && random() < 0.3 ? { ...op, weight: { ...op.weight, int8: undefined } } : op,
      ),
    }));
    const values = mixed.values.map((shape, id) => (id % 5 === 2 ? { ...shape, quantization: undefined } : shape));
    const network = { ...mixed, stages: ops, values };
    const input = Float32Array.from({ length: 3 * 32 * 32 }, () => random() * 4 - 2);
    const simulated = await onEngine(network, cpu, (inside) => runRounded(inside, network.values, input));
    for (const simd of modules) {
      const found = await logitsOf(network, input, { simd, convolution });
      expect(largest(found.map((value, at) => value - simulated[at]!))).toBeLessThan(0.05 * largest(simulated));
    }
  },
);

test.each([
  ["one thread", 1],
  ["two threads", 2],
])("a file of integers in the library, %s: the same logits; in f32 with precision", async (_, threads) => {
  const own = await logitsOf(network, inputs[2]!, { simd: "baseline" });
  const model = await library.loadModel(file, { threads, worker: false, simd: "baseline" });
  expect(model.stats.kernels).toContain("int8");
  expect(model.stats.threads).toBe(threads);
  // What a thread's scratch holds of one answer's values is not the next one's.
  await model.run(inputs[1]!);
  expect((await model.run(inputs[2]!)).logits).toEqual(own);
  await model.close();
  const float = await library.loadModel(file, { threads, worker: false, simd: "baseline", precision: "f32" });
  expect(float.stats.kernels).not.toContain("int8");
  const { logits } = await float.run(inputs[2]!);
  expect(logits).not.toEqual(own);
  expect(largest(logits.map((value, at) => value - own[at]!))).toBeLessThan(0.3 * largest(logits));
  await float.close();
});
