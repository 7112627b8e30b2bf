// Our GPU path and onnxruntime-web's on whatever adapter Dawn finds: agreement with the CPU, and times from data in Node to
// logits in Node. One line of JSON.
import { readFile } from "node:fs/promises";
import type { Variant } from "../../src/cpu/module.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import { createGpuEngine } from "../../src/gpu/index.js";
import { probeGpu } from "../../src/gpu/probe.js";
import type { Network } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { loadOrt } from "./ort.js";
import { spread } from "./rounds.js";

const models = (process.env.MODELS ?? "resnet18,resnet50").split(",");
const size = Number(process.env.SIZE ?? 224);
const rounds = Number(process.env.ROUNDS ?? 30);
/** Of the largest logit: sums are f32 in all, but halves are what f16 stores. */
const TOLERANCE = { f32: 1e-4, f16: 2e-2 };
const BATCHES = [1, 32];

interface Engine {
  /** Logits of `images` images, one after another in `input`. */
  run(input: Float32Array, images: number): Promise<Float32Array>;
  close(): Promise<void>;
}

const { create, globals } = await import("webgpu");
const gpu = create([]);

/** One image at a time: what this library does with a batch. */
async function ours(network: Network, precision: "f32" | "f16"): Promise<Engine> {
  const engine = await createGpuEngine(network, { gpu, precision });
  const last = network.stages.length - 1;
  return {
    async run(input, images) {
      const length = input.length / images;
      const logits: number[] = [];
      for (let image = 0; image < images; image++) {
        logits.push(...(await engine.run(0, last, input.subarray(image * length, (image + 1) * length))));
      }
      return Float32Array.from(logits);
    },
    close: () => engine.close(),
  };
}

/** onnxruntime-web takes its GPU from navigator, and gives it views of shared memory, which Dawn in Node refuses. */
async function onnxruntime(network: Network): Promise<Engine> {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...rest) {
    const view = data as Uint8Array<ArrayBuffer>;
    return writeBuffer.call(this, buffer, offset, view.buffer instanceof ArrayBuffer ? view : view.slice(), ...rest);
  };
  const ort = await loadOrt("onnxruntime-web/webgpu");
  const { channels, height, width } = network.values[network.input]!;
  const sessions = new Map<number, Awaited<ReturnType<typeof ort.InferenceSession.create>>>();
  for (const batch of BATCHES) {
    const session = await ort.InferenceSession.create(toOnnx(network, { batch }), { executionProviders: ["webgpu"] });
    sessions.set(batch, session);
  }
  return {
    async run(input, images) {
      const session = sessions.get(images)!;
      const tensor = new ort.Tensor("float32", input, [images, channels, height, width]);
      return (await session.run({ [session.inputNames[0]!]: tensor }))[session.outputNames[0]!]!.data;
    },
    async close() {
      for (const session of sessions.values()) await session.release();
    },
  };
}

const wasm = async (variant: Variant) => WebAssembly.compile(await readFile(`dist/cpu-${variant}.wasm`));

async function onCpu(network: Network, input: Float32Array): Promise<Float32Array> {
  const engine = await createCpuEngine(network, { wasm });
  const logits = (await engine.run(0, network.stages.length - 1, input)).slice();
  await engine.close();
  return logits;
}

const { adapter, reason, name } = await probeGpu({ gpu });
if (!adapter) {
  console.log(JSON.stringify({ skip: reason }));
} else {
  const results = [];
  for (const model of models) {
    const network = pseudoRandomNetwork(model, { inputSize: size });
    const { channels, height, width } = network.values[network.input]!;
    const batch = (images: number) =>
      Float32Array.from({ length: images * channels * height * width }, (_, index) => Math.sin(0.37 * index));
    const wanted = await onCpu(network, batch(1));
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [engineName, precision, open] of [
      ["resnet-edge", "f32", () => ours(network, "f32")],
      ["resnet-edge", "f16", () => ours(network, "f16")],
      ["onnxruntime-web", "f32", () => onnxruntime(network)],
    ] as const) {
      const entry = { model, engine: engineName, precision };
      try {
        const engine = await open();
        const logits = await engine.run(batch(1), 1);
        const difference =
          wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - logits[at]!)), 0) / largest;
        if (!(difference <= TOLERANCE[precision])) throw new Error(`differs by ${difference} of the largest logit`);
        for (const images of BATCHES) {
          const input = batch(images);
          const times = [];
          for (let round = -3; round < rounds; round++) {
            const start = performance.now();
            await engine.run(input, images);
            if (round >= 0) times.push(performance.now() - start);
          }
          results.push({ ...entry, images, difference, ...spread(times) });
        }
        await engine.close();
      } catch (error) {
        results.push({ ...entry, images: 0, error: (error as Error).message });
      }
    }
  }
  const date = new Date().toISOString().slice(0, 10);
  console.log(JSON.stringify({ adapter: name, date, size, rounds, results }));
}
process.exit(0);
