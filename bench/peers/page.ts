// The comparison in a browser: every engine on the same weights and input, one after the other, time to data on the page.

import type { Network } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { loadOrt } from "./ort.js";
import { alternate, type Contestant, type Measured, mustAgree } from "./rounds.js";
import { toSafetensors } from "./safetensors.js";
import { toTflite } from "./tflite.js";

export interface PageRequest {
  readonly model: string;
  readonly rounds: number;
  readonly simd: "baseline" | "relaxed";
  readonly threads: number;
  readonly device: "cpu" | "gpu";
  readonly engines: readonly string[];
  /** Largest difference of a logit, as a share of the largest, at which engines still agree. */
  readonly tolerance: number;
}

type Opened = Contestant & { close(): unknown };
type Open = (network: Network, request: PageRequest, nhwc: (x: Float32Array) => Float32Array) => Promise<Opened>;

/** Named apart, so that the bundler leaves them to the page: they exist once the peers are installed. */
const load = (address: string) => import(address);

const openers: Readonly<Record<string, Open>> = {
  async "resnet-edge"(network, { simd, threads, device }) {
    const { loadModel } = await load("/dist/index.js");
    const model = await loadModel(toSafetensors(network), { device, simd, threads });
    return {
      // Small networks find their tile while they run.
      get name() {
        return `resnet-edge ${model.stats.kernels.replace("wasm ", "")}`;
      },
      run: async (x) => (await model.run(x)).logits,
      close: () => model.close(),
    };
  },
  /** Whatever number of threads was asked for: what more of them bring. */
  async "resnet-edge-one-thread"(network, { simd, device }) {
    const { loadModel } = await load("/dist/index.js");
    const model = await loadModel(toSafetensors(network), { device, simd, threads: 1 });
    return {
      name: "resnet-edge, 1 thread",
      run: async (x) => (await model.run(x)).logits,
      close: () => model.close(),
    };
  },
  /** On the page's own thread: what the worker costs. */
  async "resnet-edge-in-place"(network, { simd, device }) {
    const { loadModel } = await load("/dist/index.js");
    const model = await loadModel(toSafetensors(network), { device, simd, threads: 1, worker: false });
    return {
      name: "resnet-edge in place",
      run: async (x) => (await model.run(x)).logits,
      close: () => model.close(),
    };
  },
  async litert(network, { threads, device }, nhwc) {
    const { createLiteRt } = await load("/out/litert.js");
    const { height, width, channels } = network.values[network.input]!;
    const accelerator = device === "gpu" ? "webgpu" : "wasm";
    const engine = await createLiteRt(toTflite(network), [1, height, width, channels], { accelerator, threads });
    return { name: `LiteRT.js ${accelerator}`, run: (x) => engine.run(nhwc(x)), close: engine.close };
  },
  async tfjs(network, { threads, device }, nhwc) {
    const { createTfjs } = await load("/out/tfjs.js");
    const backend = device === "gpu" ? "webgpu" : "wasm";
    const engine = await createTfjs(network, { backend, threads });
    return { name: `tfjs ${backend}`, run: (x) => engine.run(nhwc(x)), close: engine.close };
  },
  async ort(network, { threads, device }) {
    const gpu = device === "gpu";
    const ort = await loadOrt(`/peers/onnxruntime-web/dist/ort.${gpu ? "webgpu" : "wasm"}.min.mjs`);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    const provider = gpu ? "webgpu" : "wasm";
    const session = await ort.InferenceSession.create(toOnnx(network), { executionProviders: [provider] });
    const { height, width, channels } = network.values[network.input]!;
    return {
      name: `onnxruntime-web ${provider}`,
      async run(x) {
        const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", x, [1, channels, height, width]) };
        return (await session.run(feeds))[session.outputNames[0]!]!.data;
      },
      close: () => session.release(),
    };
  },
};

async function compare(request: PageRequest): Promise<Measured[]> {
  const network = pseudoRandomNetwork(request.model);
  const { channels, height, width } = network.values[network.input]!;
  const plane = height * width;
  const input = Float32Array.from({ length: channels * plane }, (_, index) => Math.sin(0.37 * index));
  // Engines that take NHWC are given it: turning the input is not their work.
  const turned = Float32Array.from(
    input,
    (_, index) => input[(index % channels) * plane + Math.floor(index / channels)]!,
  );
  const nhwc = (x: Float32Array) => (x === input ? turned : x);
  const engines: Opened[] = [];
  for (const name of request.engines) {
    const open = openers[name];
    if (!open) throw new Error(`no engine "${name}": ${Object.keys(openers).join(", ")}`);
    engines.push(await open(network, request, nhwc));
  }
  await mustAgree(engines, input, request.tolerance);
  const results = await alternate(engines, input, request.rounds, request.device === "gpu" ? 1 : 5);
  for (const engine of engines) await engine.close();
  return results;
}

Object.assign(globalThis, { compare });
