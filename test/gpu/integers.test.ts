import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuEngine, type GpuEngine } from "../../src/gpu/index.js";
import type { Network } from "../../src/graph/network.js";
import { inFloat } from "../../src/graph/quantization.js";
import { writeNetwork } from "../../src/quantize/file.js";
import { verify } from "../../src/schedule/verify.js";
import { library } from "../built.js";
import { engineFor } from "../cpu/engine.js";
import { card, inputs, quantized } from "../quantize/fixture.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: integers beside a GPU, ${skip}`);

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const apart = (one: Float32Array, other: Float32Array) =>
  largest(one.map((value, at) => value - other[at]!)) / largest(other);

/** The software adapter under the name of a real one, so that "auto" checks and measures it. */
function disguised(gpu: GPU): GPU {
  const info = { vendor: "disguised", architecture: "adapter", device: "", description: "" };
  const requestAdapter = async () => Object.defineProperty((await gpu.requestAdapter())!, "info", { value: info });
  return { requestAdapter } as unknown as GPU;
}

describe.skipIf(!gpu)("a network of integers on the CPU, in float on the GPU", () => {
  let network: Network;
  let last: number;
  let onGpu: GpuEngine;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    ({ network } = await quantized());
    last = network.stages.length - 1;
    onGpu = await createGpuEngine(network, { adapter: (await gpu!.requestAdapter())! });
    open.push(onGpu);
  }, 120_000);

  afterAll(async () => {
    for (const it of open) await it.close();
  });

  test("there it is the network in float; where it goes on from integers, it errs as they do", async () => {
    const floats = await engineFor(inFloat(network));
    const integers = await engineFor(network);
    open.push(floats, integers);
    const [input] = inputs as [Float32Array];
    const expected = (await floats.run(0, last, input)).slice();
    expect(apart(await onGpu.run(0, last, input), expected)).toBeLessThan(1e-4);
    // On one picture it may be little by chance.
    let rounded = 0;
    for (const picture of inputs) {
      const float = (await floats.run(0, last, picture)).slice();
      rounded = Math.max(rounded, apart((await integers.run(0, last, picture)).slice(), float));
    }
    expect(rounded).toBeGreaterThan(1e-3);
    for (let cut = 1; cut <= last; cut++) {
      const activation = (await integers.run(0, cut - 1, input)).slice();
      expect(apart(await onGpu.run(cut, last, activation), expected)).toBeLessThan(4 * rounded);
    }
  });

  test("its check beside integers allows for rounding, and for nothing else", async () => {
    const integers = await engineFor(network);
    open.push(integers);
    const at = async <T>(task: () => Promise<T>) => task();
    expect(await verify(integers, onGpu, "f32", at)).toBeNull();
    for (const [index, { name }] of network.stages.entries()) {
      const broken = Object.create(onGpu) as GpuEngine;
      broken.run = async (first, end, x) => {
        const values = await onGpu.run(first, end, x);
        // One value in fifty is lost; the largest of the few logits.
        const lost = values.length < 50 ? values.indexOf(Math.max(...values)) : 0;
        return first === index ? values.map((value, at) => (at % 50 === lost ? 0 : value)) : values;
      };
      expect(await verify(integers, broken, "f32", at)).toMatch(
        new RegExp(`^${name} on the GPU (differs from|is far from) the CPU`),
      );
    }
  });

  test("auto measures it, and says what it found", async () => {
    const model = await library.loadModel(writeNetwork(network, card, "f16"), { gpu: disguised(gpu!) });
    open.push(model);
    const { logits: first } = await model.run(inputs[0]!);
    const end = Date.now() + 50_000;
    while (!/faster: /.test(String(model.plan)) && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 50));
      await model.run(inputs[0]!);
    }
    expect(String(model.plan)).toMatch(/is faster: CPU [\d.]+ ms, GPU [\d.]+ ms/);
    expect(apart((await model.run(inputs[0]!)).logits, first)).toBeLessThan(0.1);
  });
});
