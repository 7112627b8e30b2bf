import type { ConvOp, LinearOp, Network, Padding, ValueId } from "../../src/graph/network.js";
import type { Preprocess } from "../../src/options.js";
import { type Field, type Node, writeFlatbuffer } from "./flatbuffer.js";
import { type FusedOp, fusedOps, isDepthwise } from "./fused.js";
import { type Affine, type Int8Scheme, int8Weights, int32Bias } from "./int8.js";
import { readWeight } from "./read-weight.js";

/** Of the enum BuiltinOperator, with the version that an int8 model needs. */
const OPERATORS = {
  add: { code: 0, int8: 2 },
  conv: { code: 3, int8: 3 },
  depthwiseConv: { code: 4, int8: 3 },
  dequantize: { code: 6, int8: 2 },
  fullyConnected: { code: 9, int8: 12 },
  maxPool: { code: 17, int8: 2 },
  pad: { code: 34, int8: 2 },
  mean: { code: 40, int8: 2 },
  quantize: { code: 114, int8: 1 },
} as const;
type Kind = keyof typeof OPERATORS;
/** Of the union BuiltinOptions. */
const OPTIONS = {
  none: 0,
  conv: 1,
  depthwiseConv: 2,
  pool: 5,
  fullyConnected: 8,
  add: 11,
  pad: 22,
  reducer: 27,
} as const;
const [FLOAT32, INT32, INT8] = [0, 2, 9];
const [SAME, VALID] = [0, 1];

/**
 * A network as a TensorFlow Lite model, NHWC, BatchNorms folded: for comparing engines on the very same weights. With a scheme
 * it is full-integer: int8 activations, int8 weights by output channel, int32 biases, as TensorFlow Lite's "8-bit quantization
 * specification" says. f32 in and f32 logits out in either case. `normalisation`: stated in its metadata, for tasks that prepare pictures.
 */
export function toTflite(
  network: Network,
  scheme: Int8Scheme | null = null,
  normalisation?: Pick<Preprocess, "mean" | "std">,
): Uint8Array {
  const tensors: Node[] = [];
  const buffers: Node[] = [{ table: [] }];
  const operators: Node[] = [];
  const kinds: Kind[] = [];
  const int = (value: number): Field => ({ int: value });

  /** `scales`: one, or one for each slice along `axis`; absent: not quantised. */
  const tensor = (
    name: string,
    shape: readonly number[],
    type: number,
    data: ArrayBufferView | null,
    scales?: readonly number[],
    zeroPoint = 0,
    axis = 0,
  ): number => {
    if (data) buffers.push({ table: [{ bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }] });
    const fields: Field[] = [{ ints: shape }, { byte: type }, int(data ? buffers.length - 1 : 0), { text: name }];
    if (scales) {
      const zeros = scales.map(() => zeroPoint);
      fields.push({ table: [null, null, { floats: scales }, { longs: zeros }, null, null, int(axis)] });
    }
    return tensors.push({ table: fields }) - 1;
  };
  const ints = (name: string, shape: readonly number[], values: readonly number[]) =>
    tensor(name, shape, INT32, Int32Array.from(values));
  /** What operators give to each other; null: f32. */
  const activation = (name: string, shape: readonly number[], affine: Affine | null) =>
    affine ? tensor(name, shape, INT8, null, [affine.scale], affine.zeroPoint) : tensor(name, shape, FLOAT32, null);
  const operator = (
    kind: Kind,
    inputs: readonly number[],
    output: number,
    options: number = OPTIONS.none,
    fields: readonly Field[] = [],
  ) => {
    if (!kinds.includes(kind)) kinds.push(kind);
    const described: Field[] = options === OPTIONS.none ? [] : [{ byte: options }, { table: fields }];
    operators.push({ table: [int(kinds.indexOf(kind)), { ints: inputs }, { ints: [output] }, ...described] });
    return output;
  };

  const shapeOf = (value: ValueId): number[] => {
    const { height, width, channels } = network.values[value]!;
    return [1, height, width, channels];
  };
  const affineOf = (value: ValueId) => scheme?.of(value) ?? null;
  const tensorOf = new Map<ValueId, number>();
  const valueTensor = (value: ValueId, shape = shapeOf(value)) => {
    if (!tensorOf.has(value)) tensorOf.set(value, activation(`value${value}`, shape, affineOf(value)));
    return tensorOf.get(value)!;
  };
  const activated = (relu: boolean, relu6: boolean): Field => ({ byte: relu6 ? 3 : relu ? 1 : 0 });

  /** Tensors of an operation's weight and its bias. */
  const parameters = (op: ConvOp | LinearOp): [weight: number, bias: number] => {
    const {
      name,
      weight,
      bias,
      inputs: [input],
    } = op;
    const out = weight.shape[0]!;
    const [, , height = 1, width = 1] = weight.shape;
    // A filter for each channel: [1, height, width, C].
    const [rows, depth] = isDepthwise(op) ? [1, out] : [out, weight.shape[1]!];
    const shape = weight.shape.length === 2 ? [out, depth] : [rows, height, width, depth];
    if (!scheme) {
      const raw = readWeight(weight);
      const shift = bias ? Float32Array.from(bias.read()) : new Float32Array(out);
      return [
        tensor(`${name}.weight`, shape, FLOAT32, toOhwi(raw, new Float32Array(raw.length), depth, height * width)),
        tensor(`${name}.bias`, [out], FLOAT32, shift),
      ];
    }
    const int8 = int8Weights(weight);
    const { values, units } = int32Bias(bias, scheme.of(input), int8);
    const turned = toOhwi(int8.values, new Int8Array(int8.values.length), depth, height * width);
    return [
      tensor(`${name}.weight`, shape, INT8, turned, [...int8.scales], 0, isDepthwise(op) ? 3 : 0),
      tensor(`${name}.bias`, [out], INT32, values, [...units]),
    ];
  };

  const padded = (name: string, value: ValueId, [top, left, bottom, right]: Padding): number => {
    if (top + left + bottom + right === 0) return valueTensor(value);
    const [, height, width, channels] = shapeOf(value);
    const shape = [1, height! + top + bottom, width! + left + right, channels!];
    const output = activation(`${name}.padded`, shape, affineOf(value));
    const amounts = ints(`${name}.padding`, [4, 2], [0, 0, top, bottom, left, right, 0, 0]);
    return operator("pad", [valueTensor(value), amounts], output, OPTIONS.pad);
  };

  const lower = ({ op, relu6, output: result }: FusedOp) => {
    switch (op.kind) {
      case "conv": {
        const [from, residual] = op.inputs;
        const same = isSame(op, shapeOf(from).slice(1, 3));
        const input = same ? valueTensor(from) : padded(op.name, from, op.padding);
        const output = valueTensor(result);
        const last = residual === undefined;
        const target = last
          ? output
          : activation(`${op.name}.sum`, shapeOf(op.output), scheme?.beforeSum(op.output) ?? null);
        const strides: Field[] = [{ byte: same ? SAME : VALID }, int(op.stride[1]), int(op.stride[0])];
        const end: Field[] = [activated(last && op.relu, last && relu6), int(op.dilation[1]), int(op.dilation[0])];
        if (isDepthwise(op)) {
          // The field between is how many outputs a channel has.
          operator("depthwiseConv", [input, ...parameters(op)], target, OPTIONS.depthwiseConv, [
            ...strides,
            int(1),
            ...end,
          ]);
        } else {
          operator("conv", [input, ...parameters(op)], target, OPTIONS.conv, [...strides, ...end]);
        }
        if (!last) operator("add", [target, valueTensor(residual)], output, OPTIONS.add, [activated(op.relu, relu6)]);
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
        operator("fullyConnected", [valueTensor(op.inputs[0]), ...parameters(op)], output, OPTIONS.fullyConnected, [
          activated(op.relu, relu6),
        ]);
        return;
      }
      default:
        throw new Error(`no TensorFlow Lite operator for ${op.kind}`);
    }
  };

  let input = valueTensor(network.input);
  if (scheme) {
    const image = activation("image", shapeOf(network.input), null);
    operator("quantize", [image], input);
    input = image;
  }
  for (const fused of fusedOps(network)) lower(fused);
  let output = valueTensor(network.output);
  if (scheme) {
    const { channels } = network.values[network.output]!;
    output = operator("dequantize", [output], activation("logits", [1, channels], null));
  }

  if (normalisation) buffers.push({ table: [{ bytes: metadataOf(normalisation) }] });
  const codes = kinds.map((kind): Node => {
    const { code, int8 } = OPERATORS[kind];
    return { table: [{ byte: code }, null, int(scheme ? int8 : 1), int(code)] };
  });
  const subgraph: Node = {
    table: [{ tables: tensors }, { ints: [input] }, { ints: [output] }, { tables: operators }, { text: "main" }],
  };
  const model: Node = {
    table: [
      ...[int(3), { tables: codes }, { tables: [subgraph] }, { text: "resnet" }, { tables: buffers }, null],
      normalisation ? { tables: [{ table: [{ text: "TFLITE_METADATA" }, int(buffers.length - 1)] }] } : null,
    ],
  };
  return writeFlatbuffer(model, "TFL3");
}

/** TensorFlow Lite's metadata of a network of RGB pictures. MediaPipe takes one mean and deviation of a byte: those of all channels together. */
function metadataOf({ mean, std }: Pick<Preprocess, "mean" | "std">): Uint8Array {
  const [IMAGE_PROPERTIES, RGB, NORMALIZATION] = [2, 1, 1];
  const bytes = (shares: readonly number[]) => ({
    floats: [(255 * shares.reduce((sum, share) => sum + share, 0)) / shares.length],
  });
  const normalization: Node = { table: [{ byte: NORMALIZATION }, { table: [bytes(mean), bytes(std)] }] };
  const content: Node = { table: [{ byte: IMAGE_PROPERTIES }, { table: [{ byte: RGB }] }] };
  const image: Node = { table: [{ text: "image" }, null, null, content, { tables: [normalization] }] };
  const scores: Node = { table: [{ text: "scores" }] };
  const subgraph: Node = { table: [null, null, { tables: [image] }, { tables: [scores] }] };
  return writeFlatbuffer({ table: [{ text: "resnet" }, null, null, { tables: [subgraph] }] }, "M001");
}

/** Whether TensorFlow's "SAME" pads as much, on the same sides. */
function isSame({ kernel, stride, padding, dilation }: ConvOp, extents: readonly number[]): boolean {
  return extents.every((extent, axis) => {
    const reach = (kernel[axis]! - 1) * dilation[axis]! + 1;
    const total = Math.max((Math.ceil(extent / stride[axis]!) - 1) * stride[axis]! + reach - extent, 0);
    const before = Math.floor(total / 2);
    return padding[axis] === before && padding[axis + 2] === total - before;
  });
}

/** [O, I, taps] to [O, taps, I]. */
function toOhwi<T extends Float32Array | Int8Array>(from: T, to: T, depth: number, taps: number): T {
  for (let at = 0; at < from.length; at++) {
    const [tap, i] = [at % taps, Math.floor(at / taps) % depth];
    to[at - (at % (depth * taps)) + tap * depth + i] = from[at]!;
  }
  return to;
}
