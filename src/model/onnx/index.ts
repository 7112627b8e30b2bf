import { ModelFormatError } from "../../errors.js";
import type { StateDict } from "../../graph/tensor.js";
import { MAX_NAME, MAX_TENSORS } from "../../limits.js";
import { QUANTIZATION } from "../../weights/integers-format.js";
import { type Constant, readTensor } from "./constants.js";
import { buildNetwork, DEFAULT_SIDE, type OnnxOptions, type Source } from "./graph.js";
import type { BesideHost } from "./more/index.js";
import { readGraph } from "./proto.js";
import { Message } from "./protobuf.js";

/**
 * Reads an ONNX model: its tensors are views of `bytes`, and `build` makes the network. Tensors in files of their own are read from the
 * model's folder. `inputSize` as `build` is given it: what a graph needs depends on its sides where they are open. Throws
 * `ModelFormatError` for what is damaged, and `SourceError` where such a file cannot be had.
 */
export async function readOther(
  bytes: Uint8Array,
  origin: string,
  host: BesideHost,
  inputSize?: OnnxOptions["inputSize"],
): Promise<StateDict> {
  const model = new Message(bytes);
  if (!model.has(7)) throw new ModelFormatError(`${origin} is a protocol buffer without a graph: it is no ONNX model.`);
  const proto = readGraph(model);
  if (proto.initializers.length > MAX_TENSORS) {
    throw new ModelFormatError(`${origin} has ${proto.initializers.length} tensors; at most ${MAX_TENSORS} are read.`);
  }
  const tensors = [...proto.initializers, ...proto.nodes.flatMap((node) => node.tensor("value") ?? [])];
  const apart = tensors.filter((tensor) => tensor.integer(14) === 1);
  const properties = new Map(model.messages(14).map((it) => [it.text(1), it.text(2)]));
  const name = model.message(7).text(2);
  const source: Source = {
    origin,
    name: /^(|main_graph|torch.jit.*|graph|g|model)$/.test(name) ? "onnx" : name,
    proto,
    ...{ initializers: new Map(), external: new Map(), more: null, quantized: null },
    isOwn: properties.has(QUANTIZATION),
  };
  const plain = properties.size > 0 || apart.length > 0 ? null : plainly(source, inputSize);
  const whole = plain?.source ?? (await completed(source, properties, apart, bytes, host));
  let built = plain?.network;
  const open = proto.inputs.find(
    (it) =>
      it.shape?.length === 4 &&
      !whole.initializers.has(it.name) &&
      it.shape.slice(1).some((extent) => typeof extent !== "number"),
  );
  const notes = open
    ? [
        `The graph leaves the input's shape open: [${open.shape!.map((it) => it ?? "?").join(", ")}]. Sides are ${DEFAULT_SIDE} pixels unless inputSize states them.`,
      ]
    : [];
  return {
    format: "onnx",
    tensors: whole.initializers,
    metadata: properties,
    notes,
    build(options: OnnxOptions) {
      const { inputSize: side, architecture, inputs, foldBatchNorm = true } = options;
      const found = side === inputSize && !architecture && !inputs && foldBatchNorm ? built : undefined;
      // Once: a network keeps what is found of its weights.
      built = undefined;
      return found ?? buildNetwork(whole, options);
    },
  };
}

/** A graph of plain convolutions; null where it has more, or is wrong in any way, which what is loaded then tells. */
function plainly(source: Source, inputSize: OnnxOptions["inputSize"]) {
  try {
    const read = { ...source, initializers: initializersOf(source) };
    return { source: read, network: buildNetwork(read, { inputSize }) };
  } catch {
    return null;
  }
}

async function completed(
  source: Source,
  properties: Map<string, string>,
  apart: readonly Message[],
  bytes: Uint8Array,
  host: BesideHost,
): Promise<Source> {
  const more = await import("./more/index.js");
  const external = apart.length > 0 ? await more.readExternal(apart, bytes, source.origin, host) : source.external;
  const classes = source.proto.outputs[0]?.shape?.at(-1);
  const card = more.cardOf(properties, typeof classes === "number" ? classes : null);
  if (card != null) properties.set("resnet-edge", card);
  const hasIntegers = source.proto.nodes.some(({ kind }) => /uantize|QLinear|QGemm/.test(kind));
  const quantized = hasIntegers ? await import("./quantized/index.js") : null;
  const whole = { ...source, external, more, quantized };
  return { ...whole, initializers: initializersOf(whole) };
}

function initializersOf(source: Source): Map<string, Constant> {
  const { proto, origin } = source;
  const initializers = new Map<string, Constant>();
  for (const message of proto.initializers) {
    const tensor = readTensor(message, source);
    if (tensor.name.length > MAX_NAME)
      throw new ModelFormatError(`${origin} has a tensor with a name of ${tensor.name.length} characters.`);
    if (initializers.has(tensor.name))
      throw new ModelFormatError(`${origin} has two tensors with the name "${tensor.name}".`);
    initializers.set(tensor.name, tensor);
  }
  return initializers;
}
