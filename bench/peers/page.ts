// The comparison in a browser, one engine after the other on the page's own thread: time to data, nothing else running.
import { createCpuEngine, type Variant } from "../../src/cpu/index.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { loadOrt } from "./ort.js";
import { alternate, type Measured, mustAgree } from "./rounds.js";

export interface PageRequest {
  readonly model: string;
  readonly rounds: number;
  readonly simd: "baseline" | "relaxed";
}

async function compare({ model, rounds, simd }: PageRequest): Promise<Measured[]> {
  const network = pseudoRandomNetwork(model);
  const { channels, height, width } = network.values[network.input]!;
  const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
  const wasm = async (variant: Variant) =>
    WebAssembly.compile(await (await fetch(`/dist/cpu-${variant}.wasm`)).arrayBuffer());
  const engine = await createCpuEngine(network, { wasm, simd });
  const ort = await loadOrt("/peers/onnxruntime-web/dist/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
  const session = await ort.InferenceSession.create(toOnnx(network), { executionProviders: ["wasm"] });
  const engines = [
    { name: `resnet-edge ${simd}`, run: (x: Float32Array) => engine.run(0, network.stages.length - 1, x) },
    {
      name: "onnxruntime-web wasm",
      run: async (x: Float32Array) => {
        const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", x, [1, channels, height, width]) };
        return (await session.run(feeds))[session.outputNames[0]!]!.data;
      },
    },
  ];
  await mustAgree(engines, input);
  const results = await alternate(engines, input, rounds);
  await engine.close();
  await session.release();
  return results;
}

Object.assign(globalThis, { compare });
