// One engine from nothing to its first answer: the import, its kernels, the model, one inference. In a page of its own.
import { loadOrt } from "./ort.js";

const load = (address: string) => import(address);
const SIDE = 224;

const engines: Readonly<Record<string, (model: string, input: Float32Array) => Promise<ArrayLike<number>>>> = {
  async "resnet-edge"(model, input) {
    const { loadModel } = await load("/dist/index.js");
    const network = await loadModel(`/models/${model}.safetensors`, { device: "cpu", threads: 1 });
    return (await network.run(input)).logits;
  },
  async litert(model, input) {
    const { createLiteRt } = await load("/out/litert.js");
    const bytes = new Uint8Array(await (await fetch(`/models/${model}.tflite`)).arrayBuffer());
    const network = await createLiteRt(bytes, [1, SIDE, SIDE, 3], { accelerator: "wasm", threads: 1 });
    return network.run(input);
  },
  async ort(model, input) {
    const ort = await loadOrt("/peers/onnxruntime-web/dist/ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    const session = await ort.InferenceSession.create(`/models/${model}.onnx`, { executionProviders: ["wasm"] });
    const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", input, [1, 3, SIDE, SIDE]) };
    return (await session.run(feeds))[session.outputNames[0]!]!.data;
  },
};

async function cold(engine: string, model: string): Promise<{ ms: number; bytes: number }> {
  const input = new Float32Array(3 * SIDE * SIDE).fill(0.5);
  const start = performance.now();
  const logits = await engines[engine]!(model, input);
  const ms = performance.now() - start;
  if (!Number.isFinite(logits[0])) throw new Error(`${engine} gave no logits`);
  return { ms, bytes: logits.length };
}

Object.assign(globalThis, { cold });
