import { type Constant, computed } from "../constants.js";
import { isView, type Mapper, type Operator, type Value } from "../mapper.js";
import { biasOf, convolve, multiplied } from "../operators.js";
import { type Node, Type } from "../proto.js";
import { bad } from "../shapes.js";
import { shapeOf, type View } from "../views.js";

/** Rounds to integers, by a scale for all or for each index of an axis; the value holds what they stand for. */
function quantize(it: Mapper, node: Node, view: View, scales: Constant, zeros: Constant | undefined): View {
  const type = zeros?.type ?? (node.integer("output_dtype", Type.u8) || Type.u8);
  if (type !== Type.u8 && type !== Type.i8) throw it.refuse("it rounds to integers of other than eight bits");
  const { scale, zero, axis } = it.more.scalesOf(node, { shape: shapeOf(view) }, scales, zeros, it.work);
  const signed = type === Type.i8;
  if (scale.length === 1) {
    const [alpha, beta] = [scale[0]!, zero[0]!];
    const rounded = { scale: alpha, zero: beta };
    if (isRounded(it, view.value, alpha, beta, signed)) return { ...view, type, rounded };
    return { ...it.activation(view, "quantize", { alpha, beta, signed }), type, rounded };
  }
  const wanted = it.more.combine(it, "divide", view, computed(scale, along(view, axis), Type.float));
  const parts = new Set(zero).size === 1 ? [[0, scale.length] as const] : [...zero].map((_, at) => [at, 1] as const);
  const results = parts.map(([begin, count]) => {
    const beta = zero[begin]!;
    const part = it.more.sliced(it, wanted, axis, begin, 1, count);
    return it.more.scaled(it, it.activation(part, "quantize", { alpha: 1, beta, signed }), 1, beta);
  });
  return { ...(results.length === 1 ? results[0]! : it.more.concat(it, results, axis)), type };
}

/** Whether a value, or what a pool took of it, was rounded to these integers already. */
function isRounded({ builder }: Mapper, value: number, scale: number, zero: number, signed: boolean): boolean {
  let op = builder.made(value);
  while (op?.kind === "maxPool") op = builder.made(op.inputs[0]);
  if (op?.kind !== "activation" || op.function !== "quantize") return false;
  return op.alpha === scale && op.beta === zero && op.signed === signed;
}

/** A view's shape with an extent of 1 along all axes but one. */
const along = (view: View, axis: number) => shapeOf(view).map((extent, at) => (at === axis ? extent : 1));

/** What integers stand for. */
function floats(it: Mapper, node: Node, view: View, scales: Constant, zeros: Constant | undefined): View {
  const { scale, zero, axis } = it.more.scalesOf(node, { shape: shapeOf(view) }, scales, zeros, it.work);
  const { rounded } = view;
  if (rounded && scale.length === 1 && rounded.scale === scale[0] && rounded.zero === zero[0]) {
    return { ...view, rounded: undefined, type: Type.float };
  }
  const whole: View = { ...it.whole(view), type: Type.float };
  if (scale.length === 1) return it.more.scaled(it, whole, scale[0]!, -zero[0]! * scale[0]!);
  const vector = (values: Float64Array) => computed(values, along(view, axis), Type.float);
  return it.more.combine(it, "multiply", it.more.combine(it, "subtract", whole, vector(zero)), vector(scale));
}

/** A node's input, with its scale and zero point behind it, as the floats that it stands for. */
function real(it: Mapper, node: Node, index: number): Value {
  const given = it.given(index);
  if (!given) throw bad(node, `lacks input ${index}`);
  const [scale, zero] = [it.needed(index + 1), it.constant(index + 2)];
  return isView(given) ? floats(it, node, given, scale, zero) : it.more.dequantized(node, given, scale, zero, it.work);
}

/** As `real`, of one that is computed from the picture. */
function realView(it: Mapper, node: Node, index: number): View {
  const found = real(it, node, index);
  if (!isView(found)) throw it.refuse(`its input ${index} is a constant, and another one is not`);
  return found;
}

/** A node's result, rounded to the integers whose scale and zero point are at `index`. */
const result = (it: Mapper, node: Node, view: View, index: number) =>
  quantize(it, node, view, it.needed(index), it.constant(index + 1));

/** Weights in integers, with a scale for all or for each row. */
function perRow(it: Mapper, weights: Constant, scales: Constant, zeros: Constant | undefined): Constant {
  const scale = it.numbers(scales);
  const zero = zeros ? it.numbers(zeros) : new Float64Array(1);
  if (scale.length !== 1 && scale.length !== weights.shape[0])
    throw bad(it.node, `has ${scale.length} scales for [${weights.shape}]`);
  const all = Float64Array.from({ length: scale.length }, (_, at) => zero[zero.length === 1 ? 0 : at]!);
  return { ...weights, type: Type.float, linear: { scale, zero: all, axis: 0 } };
}

/** A bias that is counted in steps of the input's scale times the weights', which stand at `input` and `weights`. */
function biasIn(it: Mapper, bias: Constant, input: number, weights: number): Constant {
  const step = it.numbers(it.needed(input))[0]!;
  const steps = it.numbers(it.needed(weights));
  const values = it.numbers(bias).map((value, at) => value * step * steps[steps.length === 1 ? 0 : at]!);
  return computed(values, [values.length], Type.float);
}

const convolution: Operator = (it, node) => {
  const view = realView(it, node, 0);
  const weights = perRow(it, it.needed(3), it.needed(4), it.constant(5));
  const bias = it.constant(8);
  return result(it, node, convolve(it, node, view, weights, bias ? biasIn(it, bias, 1, 4) : null), 6);
};

/** onnxruntime's QGemm; a scale for each of the matrix's columns stands for a row of it transposed. */
const gemm: Operator = (it, node) => {
  const view = realView(it, node, 0);
  const flat = view.axes.length === 2 && node.integer("transA", 0) === 0 && node.float("alpha", 1) === 1;
  if (!flat || node.integer("transB", 0) !== 1) throw it.refuse("it takes a matrix as it is, times a transposed one");
  const matrix = perRow(it, it.needed(3), it.needed(4), it.constant(5));
  const third = it.constant(6);
  const bias = third ? biasOf(it, biasIn(it, third, 1, 4), matrix.shape[0]!) : null;
  const product = multiplied(it, view, 1, matrix, bias);
  return node.inputs[7] ? result(it, node, product, 7) : product;
};

/** Operations on two integers with scales of their own. */
const two =
  (name: "add" | "multiply"): Operator =>
  (it, node) =>
    result(it, node, it.combine(name, real(it, node, 0), real(it, node, 3)), 6);

/** Operations on one. `change`: on the floats that it stands for. */
const one =
  (change: (it: Mapper, view: View, node: Node) => View): Operator =>
  (it, node) =>
    result(it, node, change(it, realView(it, node, 0), node), 3);

/** ONNX's own, and those of onnxruntime that its quantiser writes. */
export const quantizedOperators: Readonly<Record<string, Operator>> = {
  QuantizeLinear: (it, node) => result(it, node, it.view(), 1),
  DequantizeLinear: (it, node) => floats(it, node, it.stored(), it.needed(1), it.constant(2)),
  QLinearConv: convolution,
  QLinearMatMul: (it, node) => result(it, node, it.more.product(it, real(it, node, 0), real(it, node, 3)), 6),
  "com.microsoft.QGemm": gemm,
  "com.microsoft.QLinearAdd": two("add"),
  "com.microsoft.QLinearMul": two("multiply"),
  "com.microsoft.QLinearGlobalAveragePool": one((it, view, node) => {
    if (node.integer("channels_last", 0)) throw it.refuse("its channels are last");
    return it.pool(view, view.axes.map((_, axis) => axis).slice(2), "globalAveragePool");
  }),
  "com.microsoft.QLinearLeakyRelu": one((it, view, node) =>
    it.activation(view, "leaky-relu", { slope: node.float("alpha", 0.01) }),
  ),
  "com.microsoft.QLinearSigmoid": one((it, view) => it.activation(view, "sigmoid")),
  "com.microsoft.QLinearConcat": (it, node) => {
    const count = Math.floor((node.inputs.length - 2) / 3);
    const parts = Array.from({ length: count }, (_, at) => real(it, node, 2 + 3 * at));
    const first = parts.find(isView);
    if (!first) throw it.refuse("all of its inputs are constants");
    const axis = node.integer("axis", 1);
    const joined = it.more.concat(it, parts, axis < 0 ? axis + first.axes.length : axis);
    return quantize(it, node, joined, it.needed(0), it.constant(1));
  },
};
