import { describe, expect, test } from "vitest";
import { createGpuEngine } from "../../src/gpu/index.js";
import { probeGpu } from "../../src/gpu/probe.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { type Faults, fakeDevice } from "./fake-device.js";

/** Every weight is the same: what a fake device is given does not matter, and a ResNet-50 is made at once. */
function quickNetwork(name: string) {
  const network = pseudoRandomNetwork(name);
  for (const stage of network.stages) {
    for (const op of stage.ops) {
      if ("weight" in op) Object.assign(op.weight, { read: () => {} });
    }
  }
  return network;
}

describe.each([
  ["resnet18", 24],
  ["resnet50", 57],
])("%s on a recording device", (name, limit) => {
  test(`at most ${limit} dispatches beside split-K reduces, one submit, nothing made after load`, async () => {
    const { device, record } = fakeDevice();
    const network = quickNetwork(name);
    const engine = await createGpuEngine(network, { device });
    const made = { ...record };
    expect(made.submits).toBe(0);
    const input = new Float32Array(3 * 224 * 224);
    for (let run = 1; run <= 3; run++) {
      record.dispatches.length = 0;
      const logits = await engine.run(0, network.stages.length - 1, input);
      expect(logits).toHaveLength(1000);
      const reduces = record.dispatches.filter((label) => label.includes("reduce")).length;
      expect(record.dispatches.length - reduces).toBeLessThanOrEqual(limit);
      expect(record.submits).toBe(run);
      expect(record.mapped).toBe(run);
      expect(record.copies).toBe(run);
      expect(record.uploadedBytes).toBe(run * input.byteLength);
      if (run === 1) console.log(`${name}: ${record.dispatches.length - reduces} dispatches and ${reduces} reduces`);
    }
    for (const kind of ["buffers", "bindGroups", "pipelines"] as const) expect(record[kind]).toBe(made[kind]);
    expect(record.modules).toHaveLength(made.modules.length);
    await engine.close();
    // It is the caller's.
    expect(record.destroyed).toBe(false);
    await expect(engine.run(0, 0, input)).rejects.toMatchObject({ name: "ClosedError" });
  });
});

test("an image that is on the GPU already is written in the same submit: nothing is uploaded", async () => {
  const { device, record } = fakeDevice();
  const network = quickNetwork("resnet20");
  const engine = await createGpuEngine(network, { device });
  const input = device.createBuffer({ size: 12 * 32 * 32, usage: 4 });
  const made = { ...record };
  const last = network.stages.length - 1;
  expect(
    await engine.runWritten(last, (encoder, image) => encoder.copyBufferToBuffer(input, 0, image, 0, input.size)),
  ).toHaveLength(10);
  expect(record).toMatchObject({ ...made, submits: 1, copies: 2, mapped: 1, uploadedBytes: 0 });
  // What is wrong with the input is no fault of the GPU.
  const refuse = () => {
    throw new Error("no frame yet");
  };
  await expect(engine.runWritten(last, refuse)).rejects.toMatchObject({
    name: "GpuInputError",
    message: /no frame yet/,
  });
  expect(engine.lost).toBeNull();
  expect(await engine.run(0, last, new Float32Array(3 * 32 * 32))).toHaveLength(10);
  await engine.close();
});

test("the base path asks for nothing optional, and every shader is small", async () => {
  const { device, record } = fakeDevice();
  const engine = await createGpuEngine(quickNetwork("resnet18"), { device });
  for (const code of record.modules) {
    expect(code).not.toMatch(/enable |subgroup|requires /);
    expect(code.length).toBeLessThan(20_000);
  }
  await engine.close();
  await expect(
    createGpuEngine(quickNetwork("resnet18"), { device: fakeDevice().device, precision: "f16" }),
  ).rejects.toThrow(/shader-f16/);
});

test("the generated code of the first and of a split convolution", async () => {
  const { device, record } = fakeDevice();
  const engine = await createGpuEngine(quickNetwork("resnet18"), { device });
  const find = (pattern: RegExp) => record.modules.find((code) => pattern.test(code));
  expect(find(/parameters/)).toMatchSnapshot();
  expect(find(/SLICE/)).toMatchSnapshot();
  expect(find(/SPLITS/)).toMatchSnapshot();
  await engine.close();
});

describe("faults become typed errors, promptly", () => {
  const network = quickNetwork("resnet20");
  const input = new Float32Array(3 * 32 * 32);
  const last = network.stages.length - 1;

  test.each<[string, Faults, RegExp]>([
    ["out of memory while buffers are made", { memory: 100_000 }, /out of memory/],
    ["a shader that does not compile", { validation: "unknown identifier" }, /unknown identifier/],
  ])("%s", async (_, faults, message) => {
    const { device } = fakeDevice(faults);
    const failure = await createGpuEngine(network, { device }).catch((error) => error);
    expect(failure.name).toBe("DeviceUnavailableError");
    expect(failure.message).toMatch(message);
  });

  test("an adapter that is gone", async () => {
    const adapter = {
      info: {},
      features: new Set(),
      requestDevice: () => Promise.reject(new Error("adapter was consumed")),
    };
    await expect(createGpuEngine(network, { adapter: adapter as never })).rejects.toMatchObject({
      name: "DeviceUnavailableError",
      message: expect.stringMatching(/requestDevice failed: adapter was consumed/),
    });
  });

  test("a map that is rejected", async () => {
    const { device } = fakeDevice({ map: () => Promise.reject(new Error("map failed")) });
    const engine = await createGpuEngine(network, { device });
    await expect(engine.run(0, last, input)).rejects.toThrow(/map failed/);
    expect(engine.lost).toMatch(/map failed/);
    await expect(engine.run(0, last, input)).rejects.toThrow(/map failed/);
    await engine.close();
  });

  test("a submit that is refused", async () => {
    const { device } = fakeDevice({ submit: "buffer used while destroyed" });
    const engine = await createGpuEngine(network, { device });
    await expect(engine.run(0, last, input)).rejects.toThrow(/used while destroyed/);
    expect(engine.lost).toMatch(/used while destroyed/);
    await engine.close();
  });

  test("a device lost while it works", async () => {
    const { device, lose } = fakeDevice({ map: () => new Promise(() => {}) });
    const reasons: string[] = [];
    const engine = await createGpuEngine(network, { device, onLost: (reason) => reasons.push(reason) });
    const running = engine.run(0, last, input);
    setTimeout(() => lose("driver reset"), 10);
    await expect(running).rejects.toThrow(/driver reset/);
    expect(reasons).toHaveLength(1);
    await engine.close();
  });

  test("no answer in time", async () => {
    const { device } = fakeDevice({ map: () => new Promise(() => {}) });
    const engine = await createGpuEngine(network, { device, timeoutMs: 50 });
    const start = performance.now();
    await expect(engine.run(0, last, input)).rejects.toThrow(/50 ms/);
    expect(performance.now() - start).toBeLessThan(5000);
    await engine.close();
  });

  test("inputs of another size", async () => {
    const { device } = fakeDevice();
    const engine = await createGpuEngine(network, { device });
    await expect(engine.run(0, last, new Float32Array(7))).rejects.toMatchObject({ name: "ShapeError" });
    await expect(engine.run(0, 99, input)).rejects.toMatchObject({ name: "ShapeError" });
    await engine.close();
  });

  test("an abort while loading", async () => {
    const { device } = fakeDevice();
    await expect(createGpuEngine(network, { device, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});

test("looking for an adapter never throws", async () => {
  const probe = (gpu: unknown) => probeGpu({ gpu: gpu as GPU });
  const adapter = (info: object, more = {}) => ({ info, ...more });
  expect(await probe({ requestAdapter: async () => null })).toMatchObject({ available: false });
  expect((await probe({ requestAdapter: () => Promise.reject(new Error("no driver")) })).reason).toMatch(/no driver/);
  for (const found of [
    adapter({ description: "SwiftShader Device (LLVM 16)" }),
    adapter({ description: "llvmpipe (LLVM 15, 256 bits)" }),
    adapter({ vendor: "google", architecture: "swiftshader" }),
    adapter({ isFallbackAdapter: true }),
    adapter({}, { isFallbackAdapter: true }),
  ]) {
    expect(await probe({ requestAdapter: async () => found })).toMatchObject({ available: true, software: true });
  }
  const real = adapter({ vendor: "nvidia", architecture: "ampere", description: "" });
  expect(await probe({ requestAdapter: async () => real })).toMatchObject({ software: false, name: "nvidia ampere" });
});
