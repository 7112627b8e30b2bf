import { ModelFormatError } from "../../errors.js";
import type { StateDict } from "../../graph/tensor.js";
import { MAX_NAME, MAX_TENSORS } from "../../limits.js";
import { type Constant, readTensor } from "./constants.js";
import { folds } from "./fold.js";
import { buildNetwork, DEFAULT_SIDE } from "./graph.js";
import type { BesideHost } from "./more/index.js";
import { operators } from "./operators.js";
import { type GraphProto, isFloat, readGraph } from "./proto.js";
import { Message } from "./protobuf.js";

/**
 * Reads an ONNX model: its tensors are views of `bytes`, and `build` makes the network. Tensors in files of their own are read from the
 * model's folder. Throws `ModelFormatError` for what is damaged, and `SourceError` where such a file cannot be had.
 */
export async function readOther(bytes: Uint8Array, origin: string, host: BesideHost): Promise<StateDict> {
  const model = new Message(bytes);
  if (!model.has(7)) throw new ModelFormatError(`${origin} is a protocol buffer without a graph: it is no ONNX model.`);
  const proto = readGraph(model);
  if (proto.initializers.length > MAX_TENSORS) {
    throw new ModelFormatError(`${origin} has ${proto.initializers.length} tensors; at most ${MAX_TENSORS} are read.`);
  }
  const tensors = [...proto.initializers, ...proto.nodes.flatMap((node) => node.tensor("value") ?? [])];
  // Few files keep tensors elsewhere.
  const apart = tensors.filter((tensor) => tensor.integer(14) === 1);
  const external =
    apart.length > 0
      ? await (await import("./more/index.js")).readExternal(apart, bytes, origin, host)
      : new Map<string, Uint8Array>();
  const initializers = new Map<string, Constant>();
  for (const message of proto.initializers) {
    const tensor = readTensor(message, external);
    if (tensor.name.length > MAX_NAME)
      throw new ModelFormatError(`${origin} has a tensor with a name of ${tensor.name.length} characters.`);
    if (initializers.has(tensor.name))
      throw new ModelFormatError(`${origin} has two tensors with the name "${tensor.name}".`);
    initializers.set(tensor.name, tensor);
  }
  const properties = new Map(model.messages(14).map((it) => [it.text(1), it.text(2)]));
  const classes = proto.outputs[0]?.shape?.at(-1);
  const more = properties.size > 0 || needsMore(proto, initializers) ? await import("./more/index.js") : null;
  const card = more?.cardOf(properties, typeof classes === "number" ? classes : null);
  if (card != null) properties.set("resnet-edge", card);
  const name = model.message(7).text(2);
  const source = {
    origin,
    name: /^(|main_graph|torch.jit.*|graph|g|model)$/.test(name) ? "onnx" : name,
    proto,
    initializers,
    external,
    more,
  };
  const open = proto.inputs.find(
    (it) =>
      it.shape?.length === 4 &&
      !initializers.has(it.name) &&
      it.shape.slice(1).some((extent) => typeof extent !== "number"),
  );
  const notes = open
    ? [
        `The graph leaves the input's shape open: [${open.shape!.map((it) => it ?? "?").join(", ")}]. Sides are ${DEFAULT_SIDE} pixels unless inputSize states them.`,
      ]
    : [];
  return {
    format: "onnx",
    tensors: initializers,
    metadata: properties,
    notes,
    build: (options) => buildNetwork(source, options),
  };
}

/** Whether a graph is more than convolutions with what plain networks put between them. */
function needsMore({ inputs, nodes }: GraphProto, initializers: ReadonlyMap<string, unknown>): boolean {
  const known = new Set(initializers.keys());
  const free = inputs.filter(({ name }) => !known.has(name));
  if (free.length !== 1 || !free.every(({ type }) => type === null || isFloat(type))) return true;
  return nodes.some(({ kind, inputs, outputs }) => {
    const isKnown = kind === "Shape" || inputs.every((name) => !name || known.has(name));
    if (isKnown) for (const name of outputs) known.add(name);
    return !Object.hasOwn(isKnown ? folds : operators, kind);
  });
}
