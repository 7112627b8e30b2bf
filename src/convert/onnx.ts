import { UnsupportedModelError } from "../errors.js";
import type { ActivationOp, Network, Op, PerAxis, ValueShape, Vector, Weight } from "../graph/network.js";
import { stepsOf } from "../graph/stored.js";
import { elementCount } from "../graph/tensor.js";
import { QUANTIZATION, VERSION } from "../weights/integers-format.js";
import { OnnxGraph, Placed } from "./onnx-graph.js";

/** What is known beside the weights, as the file's metadata keeps it under "resnet-edge". */
export type OnnxCard = Readonly<Record<string, unknown>>;

/**
 * A network as an ONNX file of opset 17, in f32, its batch open. Integer weights, and values that are rounded, are written as
 * QuantizeLinear and DequantizeLinear; but for a mean in sixteen bits, which opset 17 cannot say and which stays in float.
 *
 * Throws `UnsupportedModelError` for what opset 17 cannot say.
 */
export function writeOnnx(network: Network, card: OnnxCard): Uint8Array<ArrayBuffer> {
  const writer = new Writer(network);
  return writer.file(card);
}

/** Axes of [batch, C, H, W], for those of [H, W, C]. */
const axes = [2, 3, 1] as const;
const ofAxes = ([height, width, channels]: PerAxis | readonly number[]) => [0, channels!, height!, width!];

class Writer {
  readonly #graph = new OnnxGraph();
  readonly #placed: Placed;
  /** Of the operation that is written: what its initializers are called. */
  #name = "";
  readonly #used = new Map<string, number>();

  constructor(private readonly network: Network) {
    this.#placed = new Placed(this.#graph, network.values);
  }

  file(card: OnnxCard): Uint8Array<ArrayBuffer> {
    const { stages, input, output, values } = this.network;
    this.#placed.set(input, "image");
    for (const op of stages.flatMap(({ ops }) => ops)) {
      // Several operations may have a name in common.
      const times = this.#used.get(op.name) ?? 0;
      this.#used.set(op.name, times + 1);
      this.#name = times === 0 ? op.name : `${op.name}#${times}`;
      const flat = isElementwise(op) ? this.#placed.isFlat(op.inputs[0]) : op.kind === "linear";
      const result = this.#operation(op, values[op.inputs[0]]!, values[op.output]!);
      const relued = "relu" in op && op.relu ? this.#node("Relu", [result]) : result;
      this.#placed.set(op.output, this.#rounded(relued, values[op.output]!), flat);
    }
    const { height, width, channels } = values[output]!;
    const pooled = height === 1 && width === 1;
    const last = pooled ? this.#placed.flat(output) : this.#placed.image(output);
    this.#graph.node("Identity", [last], {}, "logits");
    const from = values[input]!;
    return this.#graph.file(
      { name: "image", shape: ["batch", from.channels, from.height, from.width] },
      { name: "logits", shape: pooled ? ["batch", channels] : ["batch", channels, height, width] },
      {
        "resnet-edge": JSON.stringify(card),
        ...(values.some(({ quantization }) => quantization) ? { [QUANTIZATION]: VERSION } : {}),
      },
    );
  }

  #node(...node: Parameters<OnnxGraph["node"]>): string {
    return this.#graph.node(...node);
  }

  #operation(op: Op, from: ValueShape, to: ValueShape): string {
    const graph = this.#graph;
    const x = isElementwise(op) ? this.#placed.name(op.inputs[0]) : this.#placed.image(op.inputs[0]);
    switch (op.kind) {
      case "conv": {
        const inputs = [x, this.#weight(op.weight), ...this.#bias(op.bias)];
        const { kernel, stride, padding, dilation, groups } = op;
        const attributes = { kernel_shape: kernel, strides: stride, pads: padding, dilations: dilation, group: groups };
        const sum = this.#node("Conv", inputs, attributes);
        return op.inputs[1] === undefined ? sum : this.#node("Add", [sum, this.#placed.image(op.inputs[1])]);
      }
      case "linear":
        return this.#node("Gemm", [this.#placed.flat(op.inputs[0]), this.#weight(op.weight), ...this.#bias(op.bias)], {
          transB: 1,
        });
      case "batchNorm":
        return this.#affine(x, op.scale, op.shift, this.#placed.isFlat(op.inputs[0]));
      case "add":
        return this.#node("Add", [this.#placed.image(op.inputs[0]), this.#placed.image(op.inputs[1])]);
      case "relu":
        return this.#node("Relu", [x]);
      case "activation":
        return this.#activation(op, x, this.#placed.isFlat(op.inputs[0]));
      case "binary": {
        const type = { add: "Add", subtract: "Sub", multiply: "Mul", divide: "Div", maximum: "Max", minimum: "Min" };
        return this.#node(type[op.function], [x, this.#placed.image(op.inputs[1])]);
      }
      case "concat":
        return this.#node(
          "Concat",
          op.inputs.map((value) => this.#placed.image(value)),
          { axis: axes[op.axis] },
        );
      case "slice":
        return this.#slice(x, op.begin, op.step, to);
      case "pad":
        return this.#pad(x, op.before, from, to, op.mode, op.value);
      case "transpose":
        return this.#node("Transpose", [x], { perm: ofAxes(op.order.map((axis) => axes[axis]!)) });
      case "reshape":
        return this.#rows(x, (rows) =>
          this.#node("Reshape", [rows, graph.integers([0, to.height, to.width, to.channels])]),
        );
      case "shuffleChannels": {
        const parts = graph.integers([0, op.groups, to.channels / op.groups, to.height, to.width]);
        const shuffled = this.#node("Transpose", [this.#node("Reshape", [x, parts])], { perm: [0, 2, 1, 3, 4] });
        return this.#node("Reshape", [shuffled, graph.integers([0, to.channels, to.height, to.width])]);
      }
      case "normalize":
        return this.#normalize(op, x, to);
      case "localResponse": {
        const [alpha, beta, bias] = [{ float: op.alpha }, { float: op.beta }, { float: op.bias }];
        return this.#node("LRN", [x], { size: op.size, alpha, beta, bias });
      }
      case "maxPool":
        return this.#node("MaxPool", [x], { ...windows(op, from, to), dilations: op.dilation ?? [1, 1] });
      case "averagePool": {
        if (op.dilation?.some((steps) => steps !== 1)) throw this.#unsaid("an average pool that is dilated");
        // Where nothing is padded there is nothing to count, and what hangs over the far edge is not counted.
        const counted = op.countPadding && op.padding.some((side) => side > 0);
        return this.#node("AveragePool", [x], { ...windows(op, from, to), count_include_pad: counted ? 1 : 0 });
      }
      case "globalAveragePool":
        return this.#node("GlobalAveragePool", [x]);
      case "globalMaxPool":
        return this.#node("GlobalMaxPool", [x]);
      case "blurPool":
        return this.#blur(x, op.stride, from);
      case "zeroPadShortcut": {
        const { height, width, channels } = from;
        const fewer = { height: to.height, width: to.width, channels };
        const whole = op.stride === 1 && to.height === height && to.width === width;
        const sliced = whole ? x : this.#slice(x, [0, 0, 0], [op.stride, op.stride, 1], fewer);
        return this.#pad(sliced, [0, 0, op.before], fewer, to, "constant", 0);
      }
      case "l2Normalize": {
        const length = this.#node("ReduceL2", [x], { axes: [1], keepdims: 1 });
        return this.#node("Div", [x, this.#node("Max", [length, graph.scalar(op.epsilon)])]);
      }
      case "softmax":
        return this.#node(op.logarithm ? "LogSoftmax" : "Softmax", [x], { axis: 1 });
      default:
        op satisfies never;
        throw this.#unsaid((op as Op).kind);
    }
  }

  #weight(weight: Weight): string {
    const { shape, int8 } = weight;
    const count = elementCount(shape);
    if (!int8) {
      const values = new Float32Array(count);
      weight.read(0, shape[0]!, values);
      return this.#graph.floats(`${this.#name}.weight`, shape, values);
    }
    const values = new Int8Array(count);
    int8.read(0, shape[0]!, values);
    const integers = this.#graph.bytes(`${this.#name}.weight`, shape, "i8", values);
    const scales = this.#graph.floats(`${this.#name}.weight_scale`, [shape[0]!], int8.scales.read());
    const zeros = this.#graph.bytes(`${this.#name}.weight_zero`, [shape[0]!], "i8", new Int8Array(shape[0]!));
    return this.#node("DequantizeLinear", [integers, scales, zeros], { axis: 0 });
  }

  #bias(bias: Vector | null): string[] {
    return bias ? [this.#graph.floats(`${this.#name}.bias`, [bias.length], bias.read())] : [];
  }

  /** x * scale + shift, per channel. */
  #affine(x: string, scale: Vector | null, shift: Vector | null, flat: boolean): string {
    const shape = ({ length }: Vector) => (flat ? [length] : [length, 1, 1]);
    let result = x;
    if (scale)
      result = this.#node("Mul", [result, this.#graph.floats(`${this.#name}.scale`, shape(scale), scale.read())]);
    if (shift)
      result = this.#node("Add", [result, this.#graph.floats(`${this.#name}.shift`, shape(shift), shift.read())]);
    return result;
  }

  /** What an integer value is rounded to. */
  #rounded(x: string, { quantization }: ValueShape): string {
    if (!quantization || quantization.type === "s16") return x;
    const { type, scale } = quantization;
    const graph = this.#graph;
    // int8 is -128 to 127, and ours less; uint8 is ours.
    const bounds = stepsOf(quantization).map((bound) => graph.scalar(bound * scale));
    const clipped = type === "u8" ? x : this.#node("Clip", [x, ...bounds]);
    return this.#quantized(clipped, scale, graph.zeroPoint(type === "u8" ? "u8" : "i8"));
  }

  #quantized(x: string, scale: number, zero: string): string {
    const inputs = [this.#graph.scalar(scale), zero];
    return this.#node("DequantizeLinear", [this.#node("QuantizeLinear", [x, ...inputs]), ...inputs]);
  }

  #activation(op: ActivationOp, x: string, flat: boolean): string {
    const { slope = 0.01, alpha = 1, beta = 0 } = op;
    const scalar = (value: number) => this.#graph.scalar(value);
    const one = (type: string, inputs: readonly string[] = [x]) => this.#node(type, inputs);
    switch (op.function) {
      case "leaky-relu":
        return this.#node("LeakyRelu", [x], { alpha: { float: slope } });
      case "prelu": {
        const { slopes } = op;
        const shape = flat ? [slopes!.length] : [slopes!.length, 1, 1];
        return one("PRelu", [x, this.#graph.floats(`${this.#name}.slopes`, shape, slopes!.read())]);
      }
      case "relu6":
        return one("Clip", [x, scalar(0), scalar(6)]);
      case "clip":
        return one("Clip", [x, scalar(alpha), scalar(beta)]);
      case "elu":
        return this.#node("Elu", [x], { alpha: { float: alpha } });
      case "selu":
        return this.#node("Selu", [x], { alpha: { float: alpha }, gamma: { float: beta } });
      case "hard-sigmoid":
        return this.#node("HardSigmoid", [x], { alpha: { float: alpha }, beta: { float: beta } });
      case "hard-swish":
        return one("HardSwish");
      case "silu":
        return one("Mul", [x, one("Sigmoid")]);
      case "mish":
        return one("Mul", [x, one("Tanh", [one("Softplus")])]);
      case "gelu": {
        const half = one("Mul", [x, scalar(0.5)]);
        return one("Mul", [half, one("Add", [one("Erf", [one("Mul", [x, scalar(Math.SQRT1_2)])]), scalar(1)])]);
      }
      case "gelu-tanh": {
        const cube = one("Mul", [one("Mul", [x, x]), one("Mul", [x, scalar(0.044715)])]);
        const inner = one("Mul", [one("Add", [x, cube]), scalar(Math.sqrt(2 / Math.PI))]);
        return one("Mul", [one("Mul", [x, scalar(0.5)]), one("Add", [one("Tanh", [inner]), scalar(1)])]);
      }
      case "quantize": {
        const type = op.signed ? "i8" : "u8";
        const values = op.signed ? Int8Array.of(beta) : Uint8Array.of(beta);
        return this.#quantized(x, alpha, this.#graph.bytes(`${this.#name}.zero`, [], type, values));
      }
      case "absolute":
        return one("Abs");
      default:
        return one(op.function[0]!.toUpperCase() + op.function.slice(1));
    }
  }

  #slice(x: string, begin: PerAxis, step: PerAxis, to: ValueShape): string {
    const counts = [to.height, to.width, to.channels];
    const ends = counts.map((count, axis) => {
      const end = begin[axis]! + step[axis]! * count;
      // An end below zero would be counted from behind.
      return end < 0 ? -(2 ** 31) : end;
    });
    const inputs = [begin, ends, axes, step].map((list) => this.#graph.integers([...list]));
    return this.#node("Slice", [x, ...inputs]);
  }

  #pad(x: string, before: PerAxis, from: ValueShape, to: ValueShape, mode: string, value: number): string {
    const extents = ({ height, width, channels }: ValueShape) => [height, width, channels];
    const after = extents(to).map((extent, axis) => extent - extents(from)[axis]! - before[axis]!);
    const pads = this.#graph.integers([...ofAxes(before), ...ofAxes(after)]);
    const inputs = mode === "constant" ? [x, pads, this.#graph.scalar(value)] : [x, pads];
    return this.#node("Pad", inputs, { mode });
  }

  /** Whatever is done to rows of [batch, H, W, C]. */
  #rows(x: string, change: (rows: string) => string): string {
    const rows = this.#node("Transpose", [x], { perm: [0, 2, 3, 1] });
    return this.#node("Transpose", [change(rows)], { perm: [0, 3, 1, 2] });
  }

  #normalize(op: Op & { kind: "normalize" }, x: string, { height, width, channels }: ValueShape): string {
    const graph = this.#graph;
    const { groups } = op;
    const epsilon = { float: op.epsilon };
    const constant = (what: string, count: number, value: number) =>
      graph.floats(`${this.#name}.${what}`, [count], new Float32Array(count).fill(value));
    let result: string;
    if (op.over === "image") {
      const parts = this.#node("Reshape", [x, graph.integers([0, groups, -1])]);
      const inputs = [parts, constant("ones", groups, 1), constant("zeros", groups, 0)];
      const normalized = this.#node("InstanceNormalization", inputs, { epsilon });
      result = this.#node("Reshape", [normalized, graph.integers([0, channels, height, width])]);
    } else {
      result = this.#rows(x, (rows) => {
        const parts = this.#node("Reshape", [rows, graph.integers([0, height, width, groups, channels / groups])]);
        const inputs = [parts, constant("ones", channels / groups, 1)];
        const normalized = this.#node("LayerNormalization", inputs, { axis: -1, epsilon });
        return this.#node("Reshape", [normalized, graph.integers([0, height, width, channels])]);
      });
    }
    return this.#affine(result, op.scale, op.shift, false);
  }

  #blur(x: string, stride: number, from: ValueShape): string {
    const { height, width, channels } = from;
    if (height < 2 || width < 2) throw this.#unsaid("a blur of one row or column");
    const padded = { height: height + 2, width: width + 2, channels };
    const reflected = this.#pad(x, [1, 1, 0], from, padded, "reflect", 0);
    const one = [1, 2, 1].flatMap((row) => [1, 2, 1].map((column) => (row * column) / 16));
    const values = Array.from({ length: channels }, () => one).flat();
    const weight = this.#graph.floats(`${this.#name}.blur`, [channels, 1, 3, 3], values);
    const attributes = { kernel_shape: [3, 3], strides: [stride, stride], pads: [0, 0, 0, 0], group: channels };
    return this.#node("Conv", [reflected, weight], attributes);
  }

  #unsaid(what: string): UnsupportedModelError {
    return new UnsupportedModelError(`ONNX of opset 17 cannot say ${what} ("${this.#name}").`);
  }
}

/** Operations on each element, or on channels alone: of [batch, C] as of [batch, C, 1, 1]. */
function isElementwise({ kind }: Op): boolean {
  return (
    kind === "relu" || kind === "activation" || kind === "batchNorm" || kind === "l2Normalize" || kind === "softmax"
  );
}

function windows(
  op: {
    kernel: readonly number[];
    stride: readonly number[];
    padding: readonly number[];
    dilation?: readonly number[];
  },
  from: ValueShape,
  to: ValueShape,
) {
  const over = [from.height, from.width].some((extent, axis) => {
    const reach = (op.dilation?.[axis] ?? 1) * (op.kernel[axis]! - 1) + 1;
    const padded = extent + op.padding[axis]! + op.padding[axis + 2]!;
    return [to.height, to.width][axis]! > Math.floor((padded - reach) / op.stride[axis]!) + 1;
  });
  return { kernel_shape: op.kernel, strides: op.stride, pads: op.padding, ceil_mode: over ? 1 : 0 };
}
