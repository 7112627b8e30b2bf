import { bytesPerElement, elementCount } from "../../../graph/tensor.js";
import { MAX_AXES } from "../../../limits.js";
import {
  type Constant,
  computed,
  numbersOf,
  readTensor,
  reshaped,
  spend,
  transposed,
  type Work,
} from "../constants.js";
import { axesOf, clipBounds, type Fold, type Inputs, listOf } from "../fold.js";
import { isFloat, type Node, Type } from "../proto.js";
import { axisOf, bad, flattened, refused, reshapedShape } from "../shapes.js";
import { broadcast, squeezed, unsqueezed } from "./shapes.js";
import { standardized } from "./standardized.js";

const trunc = (value: number, type: number) => (isFloat(type) ? value : Math.trunc(value));

/** Functions of one number, as ONNX names them. */
export const unary: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Exp: Math.exp,
  Log: Math.log,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Tanh: Math.tanh,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Relu: (x) => Math.max(0, x),
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Erf: erf,
  Not: (x) => (x ? 0 : 1),
};

/** Functions of two numbers. */
export const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Min: Math.min,
  Max: Math.max,
  Sum: (a, b) => a + b,
  Mod: (a, b) => a - Math.floor(a / b) * b,
  Equal: (a, b) => Number(a === b),
  Less: (a, b) => Number(a < b),
  Greater: (a, b) => Number(a > b),
  LessOrEqual: (a, b) => Number(a <= b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  And: (a, b) => Number(a && b),
  Or: (a, b) => Number(a || b),
};

const logical = new Set(["Not", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or"]);

const reductions: Readonly<Record<string, (values: number[]) => number>> = {
  ReduceMean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  ReduceSum: (values) => values.reduce((a, b) => a + b, 0),
  ReduceProd: (values) => values.reduce((a, b) => a * b, 1),
  ReduceMax: (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ReduceMin: (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
};

/** Abramowitz and Stegun's series 7.1.5 near zero, and 7.1.14's continued fraction elsewhere: to some 1e-15. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let sum = 0;
    for (let n = 0, term = x; n < 60; n++, term *= (-x * x) / n) sum += term / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}

/** Of two constants and more, element by element. */
const elementwise =
  (kind: string): Fold =>
  (node, inputs, work) => [
    inputs.slice(1).reduce<Constant>((sum, other) => {
      const shape = broadcast(sum.shape, other!.shape);
      if (!shape) throw bad(node, `meets [${sum.shape}] with [${other!.shape}]`);
      const [a, b] = [sum, other!].map((it) => numbersOf(expanded(it, shape), work)) as [Float64Array, Float64Array];
      const { type } = sum;
      const values = a.map((value, index) => trunc(binary[kind]!(value, b[index]!), type));
      return computed(values, shape, logical.has(kind) ? Type.bool : type);
    }, inputs[0]!),
  ];

const reduced =
  (kind: string): Fold =>
  (node, [x, second], work) => {
    const { shape, type } = x!;
    const axes = axesOf(node, second, work)?.map((axis) => axisOf(axis, shape.length, node));
    const all = !axes || (axes.length === 0 && node.integer("noop_with_empty_axes", 0) === 0);
    const over = (axis: number) => all || axes.includes(axis);
    const every = shape.map((_, axis) => axis);
    const kept = every.filter((axis) => !over(axis));
    const gone = every.filter(over);
    const values = numbersOf(transposed(x!, [...kept, ...gone]), work);
    const count = elementCount(gone.map((axis) => shape[axis]!));
    const result = Float64Array.from({ length: values.length / (count || 1) }, (_, index) =>
      reductions[kind]!([...values.subarray(index * count, (index + 1) * count)]),
    );
    const left = shape.map((it, axis) => (over(axis) ? 1 : it));
    return [computed(result, node.integer("keepdims", 1) ? left : kept.map((axis) => shape[axis]!), type)];
  };

const from = <T>(table: Readonly<Record<string, T>>, make: (kind: string) => Fold) =>
  Object.fromEntries(Object.keys(table).map((kind) => [kind, make(kind)]));

/** What is computed of constants beside `folds`. */
export const moreFolds: Readonly<Record<string, Fold>> = {
  Cast(node, [x], work) {
    const to = node.integer("to", x!.type);
    if (isFloat(to) || to === x!.type) return [{ ...x!, type: to }];
    const change = to === Type.bool ? (it: number) => Number(it !== 0) : Math.trunc;
    return [computed(numbersOf(x!, work).map(change), x!.shape, to)];
  },
  BatchNormalization: (node, [x, ...vectors], work) => [standardized(node, x!, vectors, work)],
  Shape(node, [x]) {
    const rank = x!.shape.length;
    const clamp = (at: number) => Math.min(rank, Math.max(0, at < 0 ? at + rank : at));
    const part = x!.shape.slice(clamp(node.integer("start", 0)), clamp(node.integer("end", rank)));
    return [computed(Float64Array.from(part), [part.length], Type.i64)];
  },
  Reshape(node, [x, shape], work) {
    const wanted = listOf(shape, work) ?? node.integers("shape") ?? [];
    return [reshaped(x!, reshapedShape(node, x!.shape, wanted), work)];
  },
  Flatten: (node, [x], work) => [reshaped(x!, flattened(node, x!.shape), work)],
  Squeeze: (node, [x, axes], work) => [reshaped(x!, squeezed(node, x!.shape, axesOf(node, axes, work)), work)],
  Unsqueeze: (node, [x, axes], work) => [reshaped(x!, unsqueezed(node, x!.shape, axesOf(node, axes, work)), work)],
  Transpose: (node, [x]) => [transposed(x!, transposeOrder(node, x!.shape.length))],
  Gather(node, [x, second], work) {
    const { shape } = x!;
    const axis = axisOf(node.integer("axis", 0), shape.length, node);
    const parts = indicesOf(node, shape[axis]!, listOf(second, work)).map((at) => taken(x!, axis, at, 1, 1, work));
    const to = [...shape.slice(0, axis), ...second!.shape, ...shape.slice(axis + 1)];
    return [
      parts.length > 0 ? reshaped(joined(parts, axis, work), to, work) : computed(new Float64Array(0), to, x!.type),
    ];
  },
  Concat(node, inputs, work) {
    const { shape } = inputs[0]!;
    const axis = axisOf(node.integer("axis", 1), shape.length, node);
    const fits = (it: Constant | undefined) =>
      it?.shape.length === shape.length && it.shape.every((extent, at) => at === axis || extent === shape[at]);
    if (!inputs.every(fits)) throw bad(node, `joins [${inputs.map((it) => `[${it?.shape}]`)}]`);
    return [joined(inputs as Constant[], axis, work)];
  },
  ...from(unary, (kind) => (_, [x], work) => [
    computed(numbersOf(x!, work).map(unary[kind]!), x!.shape, logical.has(kind) ? Type.bool : x!.type),
  ]),
  ...from(binary, elementwise),
  ...from(reductions, reduced),
  ConstantOfShape(node, [x], work, beside) {
    const shape = checkShape(node, listOf(x, work) ?? []);
    const value = node.tensor("value");
    const one = value ? readTensor(value, beside) : computed(Float64Array.of(0), [1], Type.float);
    return [{ ...one, shape, strides: shape.map(() => 0) }];
  },
  Range(node, inputs, work) {
    const [start = 0, limit = 0, delta = 1] = inputs.map((it) => listOf(it, work)?.[0]);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!Number.isFinite(count)) throw bad(node, "has no end");
    spend(work, count);
    return [
      computed(
        Float64Array.from({ length: count }, (_, i) => start + i * delta),
        [count],
        inputs[0]!.type,
      ),
    ];
  },
  CastLike(_, [x, like], work) {
    const values = numbersOf(x!, work);
    return [computed(isFloat(like!.type) ? values : values.map(Math.trunc), x!.shape, like!.type)];
  },
  Size: (_, [x]) => [computed(Float64Array.of(elementCount(x!.shape)), [], Type.i64)],
  Expand(node, [x, second], work) {
    const shape = broadcast(x!.shape, checkShape(node, listOf(second, work) ?? []));
    if (!shape) throw bad(node, `expands [${x!.shape}] to [${listOf(second, work)}]`);
    return [expanded(x!, shape)];
  },
  Slice(node, inputs, work) {
    const slices = slicesOf(node, inputs[0]!.shape, inputs, work);
    return [slices.reduce((rest, it) => taken(rest, it.axis, it.begin, it.step, it.count, work), inputs[0]!)];
  },
  Split(node, [x, second], work) {
    const axis = axisOf(node.integer("axis", 0), x!.shape.length, node);
    let begin = 0;
    return splitSizes(node, x!.shape[axis]!, listOf(second, work) ?? node.integers("split")).map((size) => {
      begin += size;
      return taken(x!, axis, begin - size, 1, size, work);
    });
  },
  Where(node, [x, a, b], work) {
    const shape = [a!, b!].reduce<number[] | null>((it, { shape }) => it && broadcast(it, shape), [...x!.shape]);
    if (!shape) throw bad(node, "chooses between tensors that do not fit");
    const [choice, one, other] = [x!, a!, b!].map((it) => numbersOf(expanded(it, shape), work));
    return [
      computed(
        choice!.map((it, index) => (it ? one! : other!)[index]!),
        shape,
        a!.type,
      ),
    ];
  },
  Clip(node, inputs, work) {
    const [least, most] = clipBounds(node, inputs, work);
    const [x] = inputs as [Constant];
    return [
      computed(
        numbersOf(x, work).map((it) => Math.min(most, Math.max(least, it))),
        x.shape,
        x.type,
      ),
    ];
  },
  DequantizeLinear: (node, [x, scales, zeros], work) => [dequantized(node, x!, scales!, zeros, work)],
  /** Weights that a file keeps in float and rounds where they are used. */
  QuantizeLinear(node, [x, scales, zeros], work) {
    const { shape } = x!;
    const { scale, zero, axis } = scalesOf(node, x!, scales!, zeros, work);
    const type = zeros?.type ?? Type.u8;
    const [least, most] = type === Type.i8 ? [-128, 127] : [0, 255];
    const inner = elementCount(shape.slice(axis + 1));
    const values = numbersOf(x!, work).map((value, index) => {
      const at = scale.length === 1 ? 0 : Math.floor(index / inner) % shape[axis]!;
      return Math.min(most, Math.max(least, roundEven(value / scale[at]!) + zero[at]!));
    });
    return [computed(values, shape, type)];
  },
};

/** To the nearest whole number, ties to even. */
function roundEven(value: number): number {
  const near = Math.round(value);
  return near - value === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

export function scalesOf(
  node: Node,
  { shape }: Pick<Constant, "shape">,
  scales: Constant,
  zeros: Constant | undefined,
  work: Work,
) {
  if (node.integer("block_size", 0) > 0)
    throw refused(node, "it has a scale for each block of an axis; one for all, or for each index, is supported");
  const scale = numbersOf(scales, work);
  const axis = scale.length === 1 ? 0 : axisOf(node.integer("axis", 1), shape.length, node);
  if (scale.length !== 1 && scale.length !== shape[axis]) throw bad(node, `has ${scale.length} scales for [${shape}]`);
  if (!scale.every((it) => it > 0 && it < Number.POSITIVE_INFINITY))
    throw bad(node, "has a scale that is not above zero");
  const zero = zeros ? numbersOf(zeros, work) : new Float64Array(scale.length);
  if (zero.length !== scale.length) throw bad(node, `has ${zero.length} zero points for ${scale.length} scales`);
  return { scale, zero, axis };
}

export function dequantized(
  node: Node,
  x: Constant,
  scales: Constant,
  zeros: Constant | undefined,
  work: Work,
): Constant {
  const linear = scalesOf(node, x, scales, zeros, work);
  return { ...plain(x, work), type: Type.float, linear };
}

/** What `Slice` takes along each axis, of its attributes or, from version 10 on, of its inputs. */
export function slicesOf(node: Node, shape: readonly number[], inputs: Inputs, work: Work) {
  const [, starts, ends, axes, steps] = inputs.map((it) => it && [...numbersOf(it, work)]);
  const begins = starts ?? node.integers("starts") ?? [];
  const stops = ends ?? node.integers("ends") ?? [];
  const along = axes ?? node.integers("axes") ?? begins.map((_, axis) => axis);
  if (stops.length !== begins.length || along.length !== begins.length) throw bad(node, "has more starts than ends");
  return begins.map((begin, at) => sliceOf(node, shape, along[at]!, begin, stops[at]!, steps?.[at] ?? 1));
}

/** Repeated, where its extents are 1, without a copy. */
function expanded(constant: Constant, shape: readonly number[]): Constant {
  const missing = shape.length - constant.shape.length;
  const strides = shape.map((_, axis) =>
    axis >= missing && constant.shape[axis - missing] !== 1 ? constant.strides[axis - missing]! : 0,
  );
  const { linear } = constant;
  return { ...constant, shape, strides, ...(linear && { linear: { ...linear, axis: linear.axis + missing } }) };
}

/** Which elements a slice takes along one axis. */
interface Taken {
  readonly axis: number;
  readonly begin: number;
  readonly step: number;
  readonly count: number;
}

/** `Slice` along one axis; ends beyond the extent are clamped, as in Python. */
function sliceOf(node: Node, shape: readonly number[], at: number, start: number, end: number, step: number): Taken {
  const axis = axisOf(at, shape.length, node);
  const extent = shape[axis]!;
  if (step === 0) throw bad(node, "slices in steps of 0");
  const clamp = (value: number, least: number, most: number) =>
    Math.min(most, Math.max(least, value < 0 ? value + extent : value));
  const [begin, stop] =
    step > 0
      ? [clamp(start, 0, extent), clamp(end, 0, extent)]
      : [clamp(start, 0, extent - 1), clamp(end, -1, extent - 1)];
  return { axis, begin, step, count: Math.max(0, Math.ceil((stop - begin) / step)) };
}

/** Extents of the parts that `Split` makes. */
export function splitSizes(node: Node, extent: number, stated: readonly number[] | null): number[] {
  const outputs = node.outputs.length;
  const size = Math.ceil(extent / outputs);
  const sizes = stated ?? node.outputs.map((_, index) => Math.min(size, extent - index * size));
  if (sizes.length !== outputs || sizes.some((it) => !(it >= 0)) || sizes.reduce((sum, it) => sum + it, 0) !== extent) {
    throw bad(node, `splits ${extent} into [${sizes}]`);
  }
  return [...sizes];
}

/** Indices along an axis, counted from its front. */
export function indicesOf(node: Node, extent: number, stated: readonly number[] = []): number[] {
  const indices = stated.map((at) => (at < 0 ? at + extent : at));
  if (indices.every((at) => at >= 0 && at < extent)) return indices;
  throw bad(node, `gathers ${stated.slice(0, 8)} of ${extent}`);
}

export function transposeOrder(node: Node, rank: number): number[] {
  const order = node.integers("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const isOrder =
    order.length === rank && order.every((axis) => axis >= 0 && axis < rank) && new Set(order).size === rank;
  if (!isOrder) throw bad(node, `orders ${rank} axes as [${order}]`);
  return order;
}

function checkShape(node: Node, shape: readonly number[]): readonly number[] {
  const isShape = shape.length <= MAX_AXES && shape.every((it) => Number.isInteger(it) && it >= 0);
  if (isShape && Number.isSafeInteger(elementCount(shape))) return shape;
  throw bad(node, `makes the shape [${shape.slice(0, MAX_AXES + 1)}]`);
}

/** Integers as the floats that they stand for; others as they are. */
function plain(constant: Constant, work: Work): Constant {
  return constant.linear ? computed(numbersOf(constant, work), constant.shape, constant.type) : constant;
}

/** Some of an axis: a view, unless the step is below zero. */
function taken(x: Constant, axis: number, begin: number, step: number, count: number, work: Work): Constant {
  const shape = x.shape.map((extent, at) => (at === axis ? count : extent));
  if (count === 0) return computed(new Float64Array(0), shape, x.type);
  if (step < 0) {
    const parts = Array.from({ length: count }, (_, index) => taken(x, axis, begin + index * step, 1, 1, work));
    return joined(parts, axis, work);
  }
  const from = plain(x, work);
  const strides = from.strides.map((stride, at) => (at === axis ? stride * step : stride));
  return {
    ...from,
    shape,
    strides,
    bytes: from.bytes.subarray(begin * from.strides[axis]! * bytesPerElement[from.dtype]),
  };
}

/** Put together along an axis. */
function joined(parts: readonly Constant[], axis: number, work: Work): Constant {
  const [{ shape, type }] = parts as [Constant];
  const outer = elementCount(shape.slice(0, axis));
  const values = parts.map((it) => numbersOf(it, work));
  const whole = new Float64Array(values.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of values) {
      const length = part.length / outer;
      whole.set(part.subarray(row * length, (row + 1) * length), at);
      at += length;
    }
  }
  const extent = parts.reduce((sum, it) => sum + it.shape[axis]!, 0);
  return computed(
    whole,
    shape.map((it, index) => (index === axis ? extent : it)),
    type,
  );
}
