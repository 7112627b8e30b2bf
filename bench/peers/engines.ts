// Each engine as a page opens it, on a network in its own format.
import { writeOnnx } from "../../src/convert/onnx.js";
import type { Network, ValueShape } from "../../src/graph/network.js";
import { isResidual } from "../../src/model/residual.js";
import { loadOrt } from "./ort.js";
import type { Contestant } from "./rounds.js";
import { toSafetensors } from "./safetensors.js";
import { toTflite } from "./tflite.js";

export type DType = "f32" | "int8";

/** One network, in the format of each engine. */
export interface Model {
  readonly input: ValueShape;
  ours(): Promise<Uint8Array>;
  onnx(): Promise<Uint8Array>;
  tflite(): Promise<Uint8Array>;
  /** For engines without a format: its operations. Only of an f32 network that is made here. */
  readonly network: Network | null;
}

export interface Setting {
  readonly simd: "baseline" | "relaxed";
  readonly threads: number;
  readonly device: "cpu" | "gpu";
}

export type Opened = Contestant & { close(): unknown };
type Open = (model: Model, setting: Setting) => Promise<Opened>;

export const inputShape = (network: Network): ValueShape => network.values[network.input]!;

export function modelOf(network: Network): Model {
  return {
    input: inputShape(network),
    network,
    // Names of tensors say what a ResNet is; of other networks ONNX does.
    ours: async () => (isResidual(network) ? toSafetensors(network) : writeOnnx(network, {})),
    onnx: async () => writeOnnx(network, {}),
    tflite: async () => toTflite(network),
  };
}

/** A network that `int8-models.ts` wrote. */
export function modelAt(address: string, input: ValueShape): Model {
  const file = async (ending: string) => {
    const response = await fetch(`${address}.${ending}`);
    if (!response.ok) throw new Error(`${address}.${ending}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  return {
    input,
    network: null,
    ours: () => file("safetensors"),
    onnx: () => file("onnx"),
    tflite: () => file("tflite"),
  };
}

/** Named apart, so that the bundler leaves them to the page: they exist once the peers are installed. */
const load = (address: string) => import(address);

/** This library; of an int8 file it takes what it takes by itself. */
async function ours(model: Model, options: Record<string, unknown>, name?: string): Promise<Opened> {
  const { loadModel } = await load("/dist/index.js");
  const loaded = await loadModel(await model.ours(), options);
  return {
    // Small networks find their tile while they run.
    get name() {
      return name ?? `resnet-edge ${loaded.stats.kernels.replace("wasm ", "")}`;
    },
    run: async (x) => (await loaded.run(x)).logits,
    close: () => loaded.close(),
  };
}

/** Turns a picture to NHWC once: it is not the work of the engines that take that. */
function turning({ channels, height, width }: ValueShape): (x: Float32Array) => Float32Array {
  const plane = height * width;
  const turned = new WeakMap<Float32Array, Float32Array>();
  return (x) => {
    const known = turned.get(x);
    if (known) return known;
    const nhwc = Float32Array.from(x, (_, index) => x[(index % channels) * plane + Math.floor(index / channels)]!);
    turned.set(x, nhwc);
    return nhwc;
  };
}

export const openers: Readonly<Record<string, Open>> = {
  "resnet-edge": (model, { simd, threads, device }) => ours(model, { device, simd, threads }),
  /** Whatever number of threads was asked for: what more of them bring. */
  "resnet-edge-one-thread": (model, { simd, device }) =>
    ours(model, { device, simd, threads: 1 }, "resnet-edge, 1 thread"),
  /** On the page's own thread: what the worker costs. */
  "resnet-edge-in-place": (model, { simd, device }) =>
    ours(model, { device, simd, threads: 1, worker: false }, "resnet-edge in place"),
  /** Without relaxed SIMD, as in a browser that has none. */
  "resnet-edge-baseline": (model, { threads, device }) => ours(model, { device, simd: "baseline", threads }),
  async litert(model, { threads, device }) {
    const { createLiteRt } = await load("/out/litert.js");
    const { height, width, channels } = model.input;
    const accelerator = device === "gpu" ? "webgpu" : "wasm";
    const engine = await createLiteRt(await model.tflite(), [1, height, width, channels], { accelerator, threads });
    const nhwc = turning(model.input);
    return { name: `LiteRT.js ${accelerator}`, run: (x) => engine.run(nhwc(x)), close: engine.close };
  },
  async tfjs({ network, input }, { threads, device }) {
    if (!network) throw new Error("tfjs runs no int8");
    const { createTfjs } = await load("/out/tfjs.js");
    const backend = device === "gpu" ? "webgpu" : "wasm";
    const engine = await createTfjs(network, { backend, threads });
    const nhwc = turning(input);
    return { name: `tfjs ${backend}`, run: (x) => engine.run(nhwc(x)), close: engine.close };
  },
  async ort(model, { threads, device }) {
    const gpu = device === "gpu";
    const ort = await loadOrt(`/peers/onnxruntime-web/dist/ort.${gpu ? "webgpu" : "wasm"}.min.mjs`);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    const provider = gpu ? "webgpu" : "wasm";
    const session = await ort.InferenceSession.create(await model.onnx(), { executionProviders: [provider] });
    const { height, width, channels } = model.input;
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

/** Throws for a name that no engine has. */
export function openerOf(name: string): Open {
  const open = openers[name];
  if (!open) throw new Error(`no engine "${name}": ${Object.keys(openers).join(", ")}`);
  return open;
}
