import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.js";
import type { LoadOptions, Progress } from "../../src/options.js";
import { openInPlace } from "../../src/session/open.js";
import type { Session } from "../../src/session/session.js";
import { root } from "../built.js";
import { wasm } from "../cpu/engine.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: GPU buffers as inputs, ${skip}`);

const model = new URL("models/cifar10-resnet20.safetensors", root);
const narrow = new URL("test/fixtures/networks/folded.safetensors", root);
const length = 3 * 32 * 32;
const [MAP_WRITE, COPY_SRC, COPY_DST] = [2, 4, 8];

describe.skipIf(!gpu)("a GPUBuffer as the input", () => {
  let device: GPUDevice;
  let other: GPUDevice;
  let onGpu: Session;
  let expected: Float32Array;
  const values = Float32Array.from({ length: 3 * length }, (_, at) => Math.sin(0.37 * at));
  const opened: Session[] = [];

  const progress: Progress[] = [];

  const open = async (options: LoadOptions, source = model) => {
    const session = await openInPlace({ ...nodeHost, wasm, store: undefined }, source, { threads: 1, ...options });
    opened.push(session);
    return session;
  };
  const buffer = (on: GPUDevice, images: number, usage = COPY_SRC | COPY_DST) => {
    const made = on.createBuffer({ size: images * length * 4, usage });
    if (usage & COPY_DST) on.queue.writeBuffer(made, 0, values, 0, images * length);
    return made;
  };
  const close = (logits: Float32Array, images: number) => {
    const largest = Math.max(...expected.map(Math.abs));
    expect(logits).toHaveLength(images * 10);
    for (const [at, logit] of logits.entries()) expect(Math.abs(logit - expected[at]!) / largest).toBeLessThan(1e-4);
  };

  beforeAll(async () => {
    device = await (await gpu!.requestAdapter())!.requestDevice();
    other = await (await gpu!.requestAdapter())!.requestDevice();
    // One for all: a software adapter takes ten seconds to compile a network.
    onGpu = await open({ device: "gpu", gpuDevice: device, onProgress: (it) => progress.push(it) });
    expected = await (await open({ device: "cpu" })).run(values);
  });
  afterAll(async () => {
    for (const session of opened) await session.close();
    for (const it of [device, other]) it?.destroy();
  });

  test("one image and three, on the GPU: nothing is read back", async () => {
    const session = onGpu;
    const input = buffer(device, 3);
    const made: string[] = [];
    const { createBuffer } = device;
    device.createBuffer = (descriptor) => {
      made.push(descriptor.label ?? "");
      return createBuffer.call(device, descriptor);
    };
    close(await session.run(buffer(device, 1)), 1);
    close(await session.run(input), 3);
    device.createBuffer = createBuffer;
    // The caller's own.
    expect(made).toEqual([""]);
    expect(new Set(session.plan.stages.map((stage) => stage.device))).toEqual(new Set(["gpu"]));
    close(await session.run(values), 3);
  });

  test("loading tells how far the GPU is, and can be aborted", async () => {
    const gpu = progress.filter(({ phase }) => phase === "gpu");
    expect(gpu.length).toBeGreaterThan(20);
    expect(gpu.map(({ loaded }) => loaded)).toEqual(Array.from({ length: gpu[0]!.total }, (_, at) => at + 1));
    expect(progress.at(-1)!.phase).toBe("ready");
    const controller = new AbortController();
    const onProgress = ({ phase }: Progress) => phase === "gpu" && controller.abort();
    const { signal } = controller;
    // A narrow network: what was begun is compiled to its end.
    const loading = open({ device: "gpu", gpuDevice: device, inputSize: 32, signal, onProgress }, narrow);
    await expect(loading).rejects.toMatchObject({ name: "AbortError" });
  });

  test.each<LoadOptions["device"]>(["cpu", "auto"])("with device %s, which is the CPU: read back", async (kind) => {
    const session = await open({ device: kind, gpuDevice: device });
    const input = buffer(device, 3);
    for (let round = 0; round < 2; round++) close(await session.run(input), 3);
    expect(new Set(session.plan.stages.map((stage) => stage.device))).toEqual(new Set(["cpu"]));
  });

  test.each(["gpu", "cpu"] as const)(
    "what cannot be read, with device %s: an error, and the next call works",
    async (kind) => {
      const session = kind === "gpu" ? onGpu : await open({ device: "cpu", gpuDevice: device });
      const failure = async (input: GPUBuffer) => {
        const error = await session.run(input).catch((it) => it);
        return `${error.name}: ${error.message}`;
      };
      const destroyed = buffer(device, 1);
      destroyed.destroy();
      const mapped = buffer(device, 1, MAP_WRITE | COPY_SRC);
      await mapped.mapAsync(2);
      expect(await failure(device.createBuffer({ size: 64, usage: COPY_SRC }))).toMatch(
        /^ShapeError: .*64 bytes.*3 x 32 x 32 f32 values = 12288 bytes/,
      );
      expect(await failure(buffer(device, 1, COPY_DST))).toMatch(/^GpuInputError: .*COPY_SRC/);
      for (const input of [destroyed, mapped, buffer(other, 1)]) {
        expect(await failure(input)).toMatch(/^GpuInputError: .*could not be read: .*options\.gpuDevice/s);
      }
      close(await session.run(buffer(device, 1)), 1);
      expect(new Set(session.plan.stages.map((stage) => stage.device))).toEqual(new Set([kind]));
    },
  );

  test("without a device of the caller's: an error that says which option is missing", async () => {
    const session = await open({ device: "cpu" });
    await expect(session.run(buffer(device, 1))).rejects.toMatchObject({
      name: "GpuInputError",
      message: expect.stringMatching(/gpuDevice/),
    });
  });

  test("a caller's device outlives its sessions; lost, it costs what lay on it, and the CPU answers the rest", async () => {
    await (await open({ device: "auto", gpuDevice: device })).close();
    const input = buffer(device, 1);
    close(await onGpu.run(input), 1);
    device.destroy();
    await expect(onGpu.run(input)).rejects.toMatchObject({ name: "GpuInputError" });
    close(await onGpu.run(values), 3);
    expect(String(onGpu.plan)).toMatch(/the GPU failed/);
  });
});
