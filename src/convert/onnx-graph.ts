import { UnsupportedModelError } from "../errors.js";
import type { ValueId, ValueShape } from "../graph/network.js";
import { Message } from "./protobuf.js";

// Field numbers and types of onnx.proto3, ir_version 8.
const IR_VERSION = 8;
const OPSET = 17;
const dataTypes = { f32: 1, u8: 2, i8: 3, i64: 7 } as const;

/** Protocol Buffers' own limit. */
const MOST_BYTES = 2 ** 31 - 1;

/** A float is written as { float }, a list of whole numbers as such. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** Nodes and initializers of an ONNX graph, in the order in which they are made. Every value is [batch, C, H, W], or [batch, C]. */
export class OnnxGraph {
  readonly #graph = new Message();
  readonly #constants = new Map<string, string>();
  #names = 0;

  /** One node; its one output's name. */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = "",
  ): string {
    const name = output || `v${this.#names++}`;
    const node = new Message();
    for (const input of inputs) node.string(1, input);
    node.string(2, name).string(3, `${type}_${name}`).string(4, type);
    for (const [key, value] of Object.entries(attributes)) node.message(5, attributeOf(key, value));
    this.#graph.message(1, node);
    return name;
  }

  floats(name: string, shape: readonly number[], values: ArrayLike<number>): string {
    return this.#initializer(name, shape, "f32", new Uint8Array(Float32Array.from(values).buffer));
  }

  bytes(name: string, shape: readonly number[], type: "u8" | "i8", values: Int8Array | Uint8Array): string {
    return this.#initializer(name, shape, type, new Uint8Array(values.buffer, values.byteOffset, values.length));
  }

  integers(values: readonly number[]): string {
    return this.#shared(`i${values}`, () =>
      this.#initializer("", [values.length], "i64", new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
    );
  }

  scalar(value: number): string {
    return this.#shared(`f${value}`, () => this.floats("", [], [value]));
  }

  zeroPoint(type: "u8" | "i8"): string {
    return this.#shared(type, () => this.#initializer("", [], type, new Uint8Array(1)));
  }

  #shared(key: string, make: () => string): string {
    const name = this.#constants.get(key) ?? make();
    this.#constants.set(key, name);
    return name;
  }

  #initializer(name: string, shape: readonly number[], type: keyof typeof dataTypes, bytes: Uint8Array): string {
    const own = name || `c${this.#names++}`;
    const tensor = new Message().ints(1, shape).int(2, dataTypes[type]).string(8, own).bytes(9, bytes);
    this.#graph.message(5, tensor);
    return own;
  }

  /** The whole file. `output`: the last value's name and shape. Throws `UnsupportedModelError` beyond 2 GB. */
  file(
    input: { readonly name: string; readonly shape: readonly (number | string)[] },
    output: { readonly name: string; readonly shape: readonly (number | string)[] },
    metadata: Readonly<Record<string, string>>,
  ): Uint8Array<ArrayBuffer> {
    this.#graph.string(2, "network").message(11, valueInfo(input)).message(12, valueInfo(output));
    const model = new Message()
      .int(1, IR_VERSION)
      .string(2, "resnet-edge")
      .message(7, this.#graph)
      .message(8, new Message().string(1, "").int(2, OPSET));
    for (const [key, value] of Object.entries(metadata))
      model.message(14, new Message().string(1, key).string(2, value));
    if (model.length > MOST_BYTES) {
      throw new UnsupportedModelError(
        `The network takes ${model.length} bytes, and an ONNX file holds at most ${MOST_BYTES}.`,
      );
    }
    return model.toBytes();
  }
}

function attributeOf(name: string, value: Attribute): Message {
  const attribute = new Message().string(1, name);
  if (typeof value === "number") return attribute.int(3, value).int(20, 2);
  if (typeof value === "string") return attribute.string(4, value).int(20, 3);
  if ("float" in value) return attribute.float(2, value.float).int(20, 1);
  return attribute.ints(8, value).int(20, 7);
}

function valueInfo({ name, shape }: { readonly name: string; readonly shape: readonly (number | string)[] }): Message {
  const dimensions = new Message();
  for (const extent of shape) {
    const dimension = new Message();
    if (typeof extent === "number") dimension.int(1, extent);
    else dimension.string(2, extent);
    dimensions.message(1, dimension);
  }
  const type = new Message().message(1, new Message().int(1, dataTypes.f32).message(2, dimensions));
  return new Message().string(1, name).message(2, type);
}

/** Where values are, by id: their names, and which of them are [batch, C]. */
export class Placed {
  readonly #names = new Map<ValueId, { readonly name: string; readonly flat: boolean }>();

  constructor(
    private readonly graph: OnnxGraph,
    private readonly values: readonly ValueShape[],
  ) {}

  set(value: ValueId, name: string, flat = false): void {
    this.#names.set(value, { name, flat });
  }

  isFlat(value: ValueId): boolean {
    return this.#names.get(value)!.flat;
  }

  /** As it is. */
  name(value: ValueId): string {
    return this.#names.get(value)!.name;
  }

  /** As [batch, C, H, W]. */
  image(value: ValueId): string {
    const { name, flat } = this.#names.get(value)!;
    if (!flat) return name;
    return this.graph.node("Reshape", [name, this.graph.integers([0, this.values[value]!.channels, 1, 1])]);
  }

  /** As [batch, C]. */
  flat(value: ValueId): string {
    const { name, flat } = this.#names.get(value)!;
    return flat ? name : this.graph.node("Flatten", [name]);
  }
}
