import type { ConvOp, Network, Op, ValueId, Weight } from "../../src/graph/network.js";
import { OnnxGraph } from "./onnx-graph.js";
import { readWeight } from "./read-weight.js";

/** What a value is called in the model. */
export const valueName = (value: ValueId) => `value${value}`;
/** What a convolution gives before its residual and its ReLU, where it has one of them. */
export const beforeSumName = (op: ConvOp) => `${valueName(op.output)}.conv`;

export interface OnnxOptions {
  readonly batch?: number;
  /** Values, by their names, that are outputs too. */
  readonly also?: readonly string[];
  /** What the model's input and output are called; absent: as its values. */
  readonly names?: readonly [input: string, output: string];
}

/** A network as an ONNX ModelProto, BatchNorms folded: for comparing engines on the very same weights. */
export function toOnnx(network: Network, { batch = 1, also = [], names }: OnnxOptions = {}): Uint8Array {
  const graph = new OnnxGraph(network.architecture.name);

  const floats = (id: string, values: Float32Array, dims: readonly number[] = [values.length]) =>
    graph.constant(id, dims, "f32", values);
  const weights = (id: string, weight: Weight) => floats(id, readWeight(weight), weight.shape);
  const relu = (on: boolean, from: string, output: string) => (on ? graph.node("Relu", [from], output) : output);

  const lower = (op: Op) => {
    const output = valueName(op.output);
    const [input, second] = op.inputs.map(valueName) as [string, string?];
    switch (op.kind) {
      case "conv": {
        const inputs = [input, weights(`${op.name}.weight`, op.weight)];
        if (op.bias) inputs.push(floats(`${op.name}.bias`, Float32Array.from(op.bias.read())));
        const steps = (second ? 1 : 0) + (op.relu ? 1 : 0);
        let current = graph.node("Conv", inputs, steps ? beforeSumName(op) : output, convAttributes(op));
        if (second) {
          current = graph.node("Add", [current, second], op.relu ? `${output}.sum` : output);
        }
        relu(op.relu, current, output);
        return;
      }
      case "maxPool":
        graph.node("MaxPool", [input], output, {
          kernel_shape: op.kernel,
          strides: op.stride,
          pads: op.padding,
        });
        return;
      case "activation": {
        if (op.function !== "relu6") throw new Error(`${op.function} is not needed by the networks that are compared`);
        const bounds = [0, 6].map((bound) => graph.constant(`${output}.${bound}`, [], "f32", Float32Array.of(bound)));
        graph.node("Clip", [input, ...bounds], output);
        return;
      }
      case "globalAveragePool":
        graph.node("GlobalAveragePool", [input], output);
        return;
      case "add":
        relu(op.relu, graph.node("Add", [input, second!], op.relu ? `${output}.sum` : output), output);
        return;
      case "linear": {
        const flat = graph.node("Flatten", [input], `${output}.flat`, { axis: 1 });
        const inputs = [flat, weights(`${op.name}.weight`, op.weight)];
        if (op.bias) inputs.push(floats(`${op.name}.bias`, Float32Array.from(op.bias.read())));
        graph.node("Gemm", inputs, output, { transB: 1 });
        return;
      }
      case "zeroPadShortcut": {
        const after = network.values[op.output]!.channels - network.values[op.inputs[0]]!.channels - op.before;
        const halved = graph.node("AveragePool", [input], `${output}.halved`, {
          kernel_shape: [1, 1],
          strides: [op.stride, op.stride],
        });
        const amounts = BigInt64Array.from([0, op.before, 0, 0, 0, after, 0, 0], BigInt);
        graph.node("Pad", [halved, graph.constant(`${output}.pads`, [amounts.length], "i64", amounts)], output);
        return;
      }
      default:
        throw new Error(`${op.kind} is not needed by the networks that are compared`);
    }
  };
  if (names) graph.node("Identity", [names[0]], valueName(network.input));
  for (const stage of network.stages) for (const op of stage.ops) lower(op);

  const { channels, height, width } = network.values[network.input]!;
  if (names) graph.node("Identity", [valueName(network.output)], names[1]);
  graph.input(names?.[0] ?? valueName(network.input), [batch, channels, height, width]);
  graph.output(names?.[1] ?? valueName(network.output), [batch, network.values[network.output]!.channels]);
  for (const name of also) graph.output(name);
  return graph.encode();
}

export const convAttributes = (op: ConvOp) => ({
  kernel_shape: op.kernel,
  strides: op.stride,
  pads: op.padding,
  dilations: op.dilation,
  group: op.groups,
});
