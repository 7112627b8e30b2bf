import type { ConvOp, LinearOp, Network, Op, Padding, ValueId } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { type Field, type Node, writeFlatbuffer } from "./flatbuffer.js";

const OPERATORS = { add: 0, conv: 3, fullyConnected: 9, maxPool: 17, pad: 34, mean: 40 } as const;
/** Of the union BuiltinOptions. */
const OPTIONS = { conv: 1, pool: 5, fullyConnected: 8, add: 11, pad: 22, reducer: 27 } as const;
const [FLOAT32, INT32] = [0, 2];
const [SAME, VALID] = [0, 1];

/** A network as a TensorFlow Lite model, NHWC, BatchNorms folded: for comparing engines on the very same weights. */
export function toTflite(network: Network): Uint8Array {
  const tensors: Node[] = [];
  const buffers: Node[] = [{ table: [] }];
  const operators: Node[] = [];
  const codes = Object.values(OPERATORS);
  const int = (value: number): Field => ({ int: value });

  const tensor = (name: string, shape: readonly number[], type: number, data?: Uint8Array): number => {
    if (data) buffers.push({ table: [{ bytes: data }] });
    const buffer = data ? buffers.length - 1 : 0;
    return tensors.push({ table: [{ ints: shape }, { byte: type }, int(buffer), { text: name }] }) - 1;
  };
  const floats = (name: string, shape: readonly number[], values: Float32Array) =>
    tensor(name, shape, FLOAT32, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const ints = (name: string, shape: readonly number[], values: readonly number[]) =>
    tensor(name, shape, INT32, new Uint8Array(Int32Array.from(values).buffer));
  const operator = (
    kind: keyof typeof OPERATORS,
    inputs: readonly number[],
    output: number,
    options: number,
    fields: readonly Field[],
  ) => {
    operators.push({
      table: [
        int(codes.indexOf(OPERATORS[kind])),
        { ints: inputs },
        { ints: [output] },
        { byte: options },
        { table: fields },
      ],
    });
    return output;
  };

  const shapeOf = (value: ValueId): number[] => {
    const { height, width, channels } = network.values[value]!;
    return [1, height, width, channels];
  };
  const tensorOf = new Map<ValueId, number>();
  const valueTensor = (value: ValueId, shape = shapeOf(value)) => {
    if (!tensorOf.has(value)) tensorOf.set(value, tensor(`value${value}`, shape, FLOAT32));
    return tensorOf.get(value)!;
  };
  const activation = (relu: boolean): Field => ({ byte: relu ? 1 : 0 });

  /** OIHW to OHWI. */
  const weights = ({ name, weight }: ConvOp | LinearOp): number => {
    const [out, depth, height = 1, width = 1] = weight.shape as number[];
    const raw = new Float32Array(elementCount(weight.shape));
    weight.read(0, out!, raw);
    const taps = height * width;
    const turned = new Float32Array(raw.length);
    for (let o = 0; o < out!; o++) {
      for (let i = 0; i < depth!; i++) {
        for (let tap = 0; tap < taps; tap++)
          turned[(o * taps + tap) * depth! + i] = raw[(o * depth! + i) * taps + tap]!;
      }
    }
    const shape = weight.shape.length === 2 ? [out!, depth!] : [out!, height, width, depth!];
    return floats(`${name}.weight`, shape, turned);
  };
  const biasOf = (op: ConvOp | LinearOp) =>
    floats(
      `${op.name}.bias`,
      [op.weight.shape[0]!],
      op.bias ? Float32Array.from(op.bias.read()) : new Float32Array(op.weight.shape[0]!),
    );

  const padded = (name: string, value: ValueId, [top, left, bottom, right]: Padding): number => {
    if (top + left + bottom + right === 0) return valueTensor(value);
    const [, height, width, channels] = shapeOf(value);
    const output = tensor(`${name}.padded`, [1, height! + top + bottom, width! + left + right, channels!], FLOAT32);
    const amounts = ints(`${name}.padding`, [4, 2], [0, 0, top, bottom, left, right, 0, 0]);
    return operator("pad", [valueTensor(value), amounts], output, OPTIONS.pad, []);
  };

  const lower = (op: Op) => {
    switch (op.kind) {
      case "conv": {
        const same = op.stride[0] === 1 && op.padding.every((rows, side) => rows * 2 === op.kernel[side % 2]! - 1);
        const input = same ? valueTensor(op.inputs[0]) : padded(op.name, op.inputs[0], op.padding);
        const output = valueTensor(op.output);
        const [, residual] = op.inputs;
        const last = residual === undefined;
        const target = last ? output : tensor(`${op.name}.sum`, shapeOf(op.output), FLOAT32);
        operator("conv", [input, weights(op), biasOf(op)], target, OPTIONS.conv, [
          { byte: same ? SAME : VALID },
          int(op.stride[1]),
          int(op.stride[0]),
          activation(last && op.relu),
          int(op.dilation[1]),
          int(op.dilation[0]),
        ]);
        if (!last) operator("add", [target, valueTensor(residual)], output, OPTIONS.add, [activation(op.relu)]);
        return;
      }
      case "maxPool":
        // Zeros are as good as minus infinity behind a ReLU, which every ResNet's stem ends with.
        operator("maxPool", [padded(op.name, op.inputs[0], op.padding)], valueTensor(op.output), OPTIONS.pool, [
          { byte: VALID },
          int(op.stride[1]),
          int(op.stride[0]),
          int(op.kernel[1]),
          int(op.kernel[0]),
        ]);
        return;
      case "globalAveragePool": {
        const { channels } = network.values[op.output]!;
        const axes = ints(`${op.name}.axes`, [2], [1, 2]);
        const output = valueTensor(op.output, [1, channels]);
        operator("mean", [valueTensor(op.inputs[0]), axes], output, OPTIONS.reducer, [{ byte: 0 }]);
        return;
      }
      case "linear": {
        const output = valueTensor(op.output, [1, op.weight.shape[0]!]);
        const inputs = [valueTensor(op.inputs[0]), weights(op), biasOf(op)];
        operator("fullyConnected", inputs, output, OPTIONS.fullyConnected, [activation(false)]);
        return;
      }
      default:
        throw new Error(`no TensorFlow Lite operator for ${op.kind}`);
    }
  };

  const input = valueTensor(network.input);
  for (const stage of network.stages) for (const op of stage.ops) lower(op);
  const subgraph: Node = {
    table: [
      { tables: tensors },
      { ints: [input] },
      { ints: [valueTensor(network.output)] },
      { tables: operators },
      { text: "main" },
    ],
  };
  const model: Node = {
    table: [
      int(3),
      { tables: codes.map((code): Node => ({ table: [{ byte: code }, null, int(1), int(code)] })) },
      { tables: [subgraph] },
      { text: "resnet" },
      { tables: buffers },
    ],
  };
  return writeFlatbuffer(model, "TFL3");
}
