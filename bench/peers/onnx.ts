import type { Network, Op, ValueId } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";

/** Protocol buffers' wire format: just enough of it to write a message. */
class Message {
  private readonly parts: Uint8Array[] = [];

  int(field: number, value: number): this {
    return this.varint(field << 3).varint(value);
  }
  bytes(field: number, value: Uint8Array): this {
    this.varint((field << 3) | 2).varint(value.length);
    this.parts.push(value);
    return this;
  }
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.encode());
  }
  encode(): Uint8Array {
    const result = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }
  private varint(value: number): this {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        bytes.push(rest);
        break;
      }
      bytes.push((rest % 128) | 128);
    }
    this.parts.push(Uint8Array.from(bytes));
    return this;
  }
}

const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** A network as an ONNX ModelProto (opset 13), BatchNorms folded: for comparing engines on the very same weights. */
export function toOnnx(network: Network, batch = 1): Uint8Array {
  const graph = new Message();
  const name = (value: ValueId) => `value${value}`;

  const initializer = (id: string, dims: readonly number[], type: number, data: Uint8Array) => {
    const tensor = new Message();
    for (const dim of dims) tensor.int(1, dim);
    graph.message(5, tensor.int(2, type).text(8, id).bytes(9, data));
    return id;
  };
  const floats = (id: string, dims: readonly number[], values: Float32Array) =>
    initializer(id, dims, FLOAT, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const integers = (id: string, values: readonly number[]) =>
    initializer(id, [values.length], INT64, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  const node = (
    type: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ) => {
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
    graph.message(1, message);
    return output;
  };
  const weights = (
    id: string,
    weight: { shape: readonly number[]; read(b: number, e: number, t: Float32Array): void },
  ) => {
    const values = new Float32Array(elementCount(weight.shape));
    weight.read(0, weight.shape[0]!, values);
    return floats(id, weight.shape, values);
  };
  const relu = (on: boolean, from: string, output: string) => (on ? node("Relu", [from], output) : output);

  const lower = (op: Op) => {
    const output = name(op.output);
    const [input, second] = op.inputs.map(name) as [string, string?];
    switch (op.kind) {
      case "conv": {
        const inputs = [input, weights(`${op.name}.weight`, op.weight)];
        if (op.bias) inputs.push(floats(`${op.name}.bias`, [op.bias.length], Float32Array.from(op.bias.read())));
        const steps = (second ? 1 : 0) + (op.relu ? 1 : 0);
        let current = node("Conv", inputs, steps ? `${output}.conv` : output, {
          kernel_shape: op.kernel,
          strides: op.stride,
          pads: op.padding,
          dilations: op.dilation,
          group: op.groups,
        });
        if (second) {
          current = node("Add", [current, second], op.relu ? `${output}.sum` : output);
        }
        relu(op.relu, current, output);
        return;
      }
      case "maxPool":
        node("MaxPool", [input], output, { kernel_shape: op.kernel, strides: op.stride, pads: op.padding });
        return;
      case "globalAveragePool":
        node("GlobalAveragePool", [input], output);
        return;
      case "add":
        relu(op.relu, node("Add", [input, second!], op.relu ? `${output}.sum` : output), output);
        return;
      case "linear": {
        const flat = node("Flatten", [input], `${output}.flat`, { axis: 1 });
        const inputs = [flat, weights(`${op.name}.weight`, op.weight)];
        if (op.bias) inputs.push(floats(`${op.name}.bias`, [op.bias.length], Float32Array.from(op.bias.read())));
        node("Gemm", inputs, output, { transB: 1 });
        return;
      }
      case "zeroPadShortcut": {
        const after = network.values[op.output]!.channels - network.values[op.inputs[0]]!.channels - op.before;
        const halved = node("AveragePool", [input], `${output}.halved`, {
          kernel_shape: [1, 1],
          strides: [op.stride, op.stride],
        });
        node("Pad", [halved, integers(`${output}.pads`, [0, op.before, 0, 0, 0, after, 0, 0])], output);
        return;
      }
      default:
        throw new Error(`${op.kind} is not needed by the networks that are compared`);
    }
  };
  for (const stage of network.stages) for (const op of stage.ops) lower(op);

  const described = (id: string, dims: readonly number[]) => {
    const shape = new Message();
    for (const dim of dims) shape.message(1, new Message().int(1, dim));
    return new Message()
      .text(1, id)
      .message(2, new Message().message(1, new Message().int(1, FLOAT).message(2, shape)));
  };
  const from = network.values[network.input]!;
  graph.text(2, network.architecture.name);
  graph.message(11, described(name(network.input), [batch, from.channels, from.height, from.width]));
  graph.message(12, described(name(network.output), [batch, network.values[network.output]!.channels]));
  return new Message().int(1, 8).message(7, graph).message(8, new Message().text(1, "").int(2, 13)).encode();
}
