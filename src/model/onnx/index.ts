import { ModelFormatError, SourceError } from "../../errors.js";
import type { StateDict } from "../../graph/tensor.js";
import { MAX_MODEL_BYTES, MAX_NAME, MAX_TENSORS } from "../../limits.js";
import { type Constant, readTensor } from "./constants.js";
import { folds } from "./fold.js";
import { buildNetwork, DEFAULT_SIDE } from "./graph.js";
import { operators } from "./operators.js";
import { type GraphProto, isFloat, readGraph } from "./proto.js";
import { Message } from "./protobuf.js";

/** What reads a file that lies beside the model. */
export interface BesideHost {
  readBeside?(bytes: Uint8Array, name: string): Promise<Uint8Array | null>;
}

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
  const external = await readExternal(
    [...proto.initializers, ...proto.nodes.flatMap((node) => node.tensor("value") ?? [])],
    origin,
    (name) => beside(bytes, origin, name, host),
  );
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

async function readExternal(
  tensors: readonly Message[],
  origin: string,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for (const tensor of tensors) {
    if (tensor.integer(14) !== 1) continue;
    const location =
      tensor
        .messages(13)
        .find((it) => it.text(1) === "location")
        ?.text(2) ?? "";
    if (files.has(location)) continue;
    // Within the model's folder: no way up, no root, no drive, no address.
    const parts = location.split("/");
    if (
      location.length > MAX_NAME ||
      /[\\:%?#\0]/.test(location) ||
      parts.some((part) => part === "" || part === "." || part === "..")
    ) {
      throw new ModelFormatError(
        `${origin} names "${location}" as a file of its tensors; only a file in its own folder is read.`,
      );
    }
    const file = await read(location);
    total += file.length;
    if (total > MAX_MODEL_BYTES)
      throw new ModelFormatError(`${origin}: its tensors' files have more than ${MAX_MODEL_BYTES} bytes.`);
    files.set(location, file);
  }
  return files;
}

async function beside(bytes: Uint8Array, origin: string, location: string, host: BesideHost): Promise<Uint8Array> {
  if (/^https?:/.test(origin)) {
    const url = new URL(location, origin);
    const response = await fetch(url).catch((cause) => {
      throw new SourceError(`${url} could not be fetched: ${cause.message}. Serve it beside the model.`, { cause });
    });
    if (!response.ok)
      throw new SourceError(
        `${url} answered ${response.status}. Serve it beside the model, which keeps its tensors there.`,
      );
    return new Uint8Array(await response.arrayBuffer());
  }
  const found = await host.readBeside?.(bytes, location);
  if (found) return found;
  throw new SourceError(
    `${origin} keeps its tensors in "${location}", which cannot be reached from here. Load the model by its URL or path, or export it into one file.`,
  );
}
