import { ModelFormatError } from "../../errors.js";
import { MAX_AXES, MAX_ONNX_NODES } from "../../limits.js";
import type { Message } from "./protobuf.js";

/** ONNX's numbers of element types (TensorProto.DataType). */
export const Type = {
  float: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i16: 5,
  i32: 6,
  i64: 7,
  text: 8,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  u64: 13,
  bf16: 16,
} as const;

export const isFloat = (type: number): boolean => [Type.float, Type.f16, Type.f64, Type.bf16].some((it) => it === type);

/** What a graph's input or output is said to be. An extent that is open is null or its name. */
export interface ValueInfo {
  readonly name: string;
  /** Null where it is no tensor: a sequence, a map, an optional. */
  readonly type: number | null;
  /** Null where no shape is stated. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** An operation of the graph as the file has it, with the meaning that its version gives it. */
export class Node {
  readonly kind: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name: string;
  readonly #attributes: ReadonlyMap<string, Message>;

  constructor(
    message: Message,
    readonly index: number,
    /** Of the operator set. */
    readonly version: number,
  ) {
    const domain = message.text(7);
    this.kind = (domain === "" || domain === "ai.onnx" ? "" : `${domain}.`) + message.text(4);
    this.inputs = message.texts(1);
    this.outputs = message.texts(2);
    this.name = message.text(3);
    this.#attributes = new Map(message.messages(5).map((it) => [it.text(1), it]));
  }

  has(attribute: string): boolean {
    return this.#attributes.has(attribute);
  }

  /** Inputs whose values count. A BatchNormalization in training mode only passes its last two on. */
  get read(): readonly string[] {
    return this.integer("training_mode", 0) ? this.inputs.slice(0, 3) : this.inputs;
  }

  integer(attribute: string, otherwise: number): number {
    return this.#attributes.get(attribute)?.integer(3) ?? otherwise;
  }

  float(attribute: string, otherwise: number): number {
    return this.#attributes.get(attribute)?.float(2) ?? otherwise;
  }

  text(attribute: string): string {
    return this.#attributes.get(attribute)?.text(4) ?? "";
  }

  integers(attribute: string): number[] | null {
    return this.#attributes.get(attribute)?.integers(8) ?? null;
  }

  floats(attribute: string): number[] | null {
    const bytes = this.#attributes.get(attribute)?.fixed(7);
    if (!bytes) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getFloat32(4 * index, true));
  }

  tensor(attribute: string): Message | null {
    const found = this.#attributes.get(attribute);
    return found?.has(5) ? found.message(5) : null;
  }

  /** For messages. */
  toString(): string {
    return `node ${this.index}${this.name && ` "${this.name}"`} (${this.kind})`;
  }
}

export interface GraphProto {
  readonly version: number;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Message[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly sparse: boolean;
}

export function readGraph(model: Message): GraphProto {
  const versions = model.messages(8).filter((it) => ["", "ai.onnx"].includes(it.text(1)));
  const version = versions[0]?.integer(2) ?? 1;
  const graph = model.message(7);
  const nodes = graph.messages(1);
  if (nodes.length > MAX_ONNX_NODES) {
    throw new ModelFormatError(`The ONNX graph has ${nodes.length} nodes; at most ${MAX_ONNX_NODES} are read.`);
  }
  return {
    version,
    nodes: nodes.map((message, index) => new Node(message, index, version)),
    initializers: graph.messages(5),
    inputs: graph.messages(11).map(valueInfo),
    outputs: graph.messages(12).map(valueInfo),
    sparse: graph.has(15),
  };
}

function valueInfo(message: Message): ValueInfo {
  const type = message.message(2);
  const name = message.text(1);
  if (!type.has(1)) return { name, type: type.length === 0 ? Type.float : null, shape: null };
  const tensor = type.message(1);
  if (!tensor.has(2)) return { name, type: tensor.integer(1), shape: null };
  const extents = tensor.message(2).messages(1);
  if (extents.length > MAX_AXES)
    throw new ModelFormatError(`"${name}" has ${extents.length} axes; at most ${MAX_AXES} are read.`);
  return {
    name,
    type: tensor.integer(1),
    shape: extents.map((it) => (it.has(1) ? it.integer(1) : it.text(2) || null)),
  };
}
