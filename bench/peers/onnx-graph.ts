import { Message } from "./protobuf.js";

/** Of TensorProto.DataType. */
export const TYPES = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7 } as const;
export type Type = keyof typeof TYPES;

const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
/** onnxruntime's own operators, among them those on quantised values. */
const MICROSOFT = "com.microsoft";

type Attributes = Readonly<Record<string, number | readonly number[]>>;
type Numbers = Float32Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** An ONNX ModelProto (opset 13) in the making. */
export class OnnxGraph {
  private readonly graph = new Message();
  private own = false;

  constructor(name: string) {
    this.graph.text(2, name);
  }

  /** A constant tensor; returns its name. */
  constant(name: string, dims: readonly number[], type: Type, values: Numbers): string {
    const tensor = new Message();
    for (const dim of dims) tensor.int(1, dim);
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.graph.message(5, tensor.int(2, TYPES[type]).text(8, name).bytes(9, data));
    return name;
  }

  /** A node with one output, whose name is returned. An input of "" is left out. */
  node(type: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    this.graph.message(1, this.described(type, inputs, output, attributes));
    return output;
  }

  /** As `node`, of an operator of onnxruntime's own. */
  ownNode(type: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    this.own = true;
    this.graph.message(1, this.described(type, inputs, output, attributes).text(7, MICROSOFT));
    return output;
  }

  input(name: string, dims: readonly number[]): void {
    this.graph.message(11, floats(name, dims));
  }

  /** Without `dims` the shape is left to be inferred. */
  output(name: string, dims?: readonly number[]): void {
    this.graph.message(12, floats(name, dims));
  }

  encode(): Uint8Array {
    const model = new Message().int(1, 8).message(7, this.graph).message(8, new Message().text(1, "").int(2, 13));
    if (this.own) model.message(8, new Message().text(1, MICROSOFT).int(2, 1));
    return model.encode();
  }

  private described(type: string, inputs: readonly string[], output: string, attributes: Attributes): Message {
    const message = new Message();
    for (const input of inputs) message.text(1, input);
    message.text(2, output).text(3, output).text(4, type);
    for (const [key, value] of Object.entries(attributes)) {
      const attribute = new Message().text(1, key);
      if (typeof value === "number") attribute.int(3, value).int(20, ATTRIBUTE_INT);
      else {
        for (const item of value) attribute.int(8, item);
        attribute.int(20, ATTRIBUTE_INTS);
      }
      message.message(5, attribute);
    }
    return message;
  }
}

function floats(name: string, dims?: readonly number[]): Message {
  const tensor = new Message().int(1, TYPES.f32);
  if (dims) {
    const shape = new Message();
    for (const dim of dims) shape.message(1, new Message().int(1, dim));
    tensor.message(2, shape);
  }
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}
