import type { Padding, Vector, Weight } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import { lazyVector } from "../../graph/vector.js";
import { MAX_WASM_BYTES } from "../../limits.js";
import { vectorOf } from "./builder.js";
import { type Constant, readConstant, reshaped, transposed } from "./constants.js";
import { axesOf as axesStated, clipBounds } from "./fold.js";
import { isView, type Mapper, type Operator } from "./mapper.js";
import { isFloat, type Node } from "./proto.js";
import { axisOf, bad, flattened, reshapedShape } from "./shapes.js";
import { dims, equal, extentOf, shapeOf, type View } from "./views.js";

const same: Operator = (it) => it.stored();

const axesAt = (it: Mapper, node: Node, rank: number): number[] | null =>
  axesStated(node, it.constant(1), it.work)?.map((axis) => axisOf(axis, rank, node)) ?? null;

/** Over the stated axes, or all; they are dropped or left with an extent of 1. `reduce` gives what is left of them with an extent of 1. */
export const reduction =
  (reduce: (it: Mapper, view: View, axes: readonly number[]) => View): Operator =>
  (it, node) => {
    const view = it.view();
    const stated = axesAt(it, node, view.axes.length);
    const all = !stated || stated.length === 0;
    if (all && stated && node.integer("noop_with_empty_axes", 0)) return view;
    const axes = all ? view.axes.map((_, axis) => axis) : stated;
    const reduced = reduce(it, view, axes);
    if (node.integer("keepdims", 1)) return reduced;
    return { ...reduced, axes: reduced.axes.filter((_, axis) => !axes.includes(axis)) };
  };

export const globalPool =
  (kind: "globalAveragePool" | "globalMaxPool"): Operator =>
  (it) => {
    const view = it.view();
    return it.pool(view, view.axes.map((_, axis) => axis).slice(2), kind);
  };

/** What a window needs along rows and columns; of a picture of one dimension the rows are 1. */
interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Padding;
  readonly out: readonly [number, number];
}

function window(
  it: Mapper,
  node: Node,
  [height, width]: readonly number[],
  kernel: readonly number[],
  spatial: number,
): Window {
  const two = (values: readonly number[] | null, otherwise: number): [number, number] => {
    if (values && (values.length !== spatial || values.some((value) => !(value >= 0))))
      throw bad(node, `has [${values}] for ${spatial} axes`);
    const list = values ?? Array(spatial).fill(otherwise);
    return spatial === 1 ? [otherwise, list[0]!] : [list[0]!, list[1]!];
  };
  const size = two(kernel, 1);
  const stride = two(node.integers("strides"), 1);
  const dilation = two(node.integers("dilations"), 1);
  const pads = node.integers("pads");
  if (pads && pads.length !== 2 * spatial) throw bad(node, `has [${pads}] as padding`);
  const before = two(pads?.slice(0, spatial) ?? null, 0);
  const after = two(pads?.slice(spatial) ?? null, 0);
  if (size.includes(0) || stride.includes(0) || dilation.includes(0))
    throw bad(node, "has a window, stride or dilation of 0");
  const auto = node.text("auto_pad");
  const ceil = node.integer("ceil_mode", 0) === 1;
  const out = [height!, width!].map((extent, axis) => {
    const reach = (size[axis]! - 1) * dilation[axis]! + 1;
    const step = stride[axis]!;
    if (auto.startsWith("SAME")) {
      const windows = Math.ceil(extent / step);
      const total = Math.max(0, (windows - 1) * step + reach - extent);
      const less = Math.floor(total / 2);
      before[axis] = auto === "SAME_LOWER" ? total - less : less;
      after[axis] = total - before[axis]!;
      return windows;
    }
    if (auto === "VALID") before[axis] = after[axis] = 0;
    const room = extent + before[axis]! + after[axis]! - reach;
    const windows = (ceil ? Math.ceil(room / step) : Math.floor(room / step)) + 1;
    // A window that would begin behind the picture and its first padding is none.
    return ceil && (windows - 1) * step >= extent + before[axis]! ? windows - 1 : windows;
  }) as [number, number];
  if (!out.every((extent) => extent >= 1))
    throw it.refuse(`its window of ${size.join(" x ")} does not fit into ${height} x ${width}`);
  return { kernel: size, stride, dilation, padding: [before[0], before[1], after[0], after[1]], out };
}

const convolution: Operator = (it, node) => convolve(it, node, it.view(), it.needed(1), it.constant(2) ?? null);

/** `around`: zeros around the picture, beside the node's own padding. */
export function convolve(
  it: Mapper,
  node: Node,
  input: View,
  weights: Constant,
  bias: Constant | null,
  around: Padding = [0, 0, 0, 0],
): View {
  const view = it.picture(input);
  const { builder } = it;
  const spatial = view.axes.length - 2;
  const groups = node.integer("group", 1);
  const [height, width, channels] = builder.extents(view.value);
  const [out, depth, ...kernel] = weights.shape as [number, number, ...number[]];
  if (weights.shape.length !== spatial + 2 || !(groups >= 1) || depth * groups !== channels || out % groups) {
    throw bad(node, `has weights of [${weights.shape}] in ${groups} groups for ${channels} channels`);
  }
  const padded = [height + around[0] + around[2], width + around[1] + around[3]];
  const { kernel: size, stride, padding, dilation, out: windows } = window(it, node, padded, kernel, spatial);
  const value = builder.emit(
    {
      kind: "conv",
      name: builder.name,
      inputs: [view.value],
      kernel: size,
      stride,
      padding: padding.map((value, side) => value + around[side]!) as unknown as Padding,
      dilation,
      groups,
      weight: weightOf(it, reshaped(weights, [out, depth, ...size], it.work)),
      bias: bias && biasOf(it, bias, out),
      relu: false,
    },
    [...windows, out],
  );
  return it.pictureOf(view, value);
}

export function weightOf(it: Mapper, constant: Constant): Weight {
  if (elementCount(constant.shape) > MAX_WASM_BYTES / 4) {
    throw it.refuse(`its weights of [${constant.shape}] are more than WebAssembly's memory holds`);
  }
  return {
    shape: constant.shape,
    read: (begin, end, target) => readConstant(constant, begin, end, target),
    int8: it.rows?.(constant),
  };
}

export function biasOf(it: Mapper, constant: Constant, length: number): Vector {
  const count = elementCount(constant.shape);
  if (count !== length && count !== 1) throw bad(it.node, `has a bias of [${constant.shape}] for ${length} outputs`);
  const values = it.numbers(constant);
  return vectorOf(Float64Array.from({ length }, (_, at) => values[count === 1 ? 0 : at]!));
}

const pool =
  (kind: "maxPool" | "averagePool"): Operator =>
  (it, node) => {
    const given = it.stored();
    const view = it.picture(kind === "maxPool" ? given : it.view());
    const [height, width, channels] = it.builder.extents(view.value);
    const kernels = node.integers("kernel_shape") ?? [];
    const { kernel, stride, padding, dilation, out } = window(it, node, [height, width], kernels, view.axes.length - 2);
    if (Math.max(...kernel, ...stride) === 1 && Math.max(...padding) === 0) return view;
    const dilated = Math.max(...dilation) > 1 ? { dilation } : {};
    const op = { name: it.builder.name, inputs: [view.value] as const, kernel, stride, padding, ...dilated };
    const value = it.builder.emit(
      kind === "maxPool" ? { kind, ...op } : { kind, ...op, countPadding: node.integer("count_include_pad", 0) === 1 },
      [...out, channels],
    );
    return { ...it.pictureOf(view, value), rounded: view.rounded };
  };

const batchNormalization: Operator = (it, node) => {
  if (node.integer("training_mode", 0) || node.outputs.filter(Boolean).length > 1) {
    throw it.refuse("it is in training mode");
  }
  if (node.integer("spatial", 1) === 0) throw it.refuse("it has statistics for each pixel");
  let view = it.view();
  const over = view.axes[1] ?? view.axes[0]!;
  if (!over.every((dim) => view.places[2].includes(dim))) view = it.picture(view);
  const epsilon = node.float("epsilon", 1e-5);
  const length = extentOf(view.places[2]);
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((index) => {
    const values = it.numbers(it.needed(index));
    if (values.length !== extentOf(over)) throw bad(node, `has ${values.length} values for ${extentOf(over)} channels`);
    return it.vector(values, over, view).read();
  }) as [Float64Array, Float64Array, Float64Array, Float64Array];
  if (variance.some((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY)))
    throw bad(node, "has a variance below zero, or none");
  const scale = lazyVector(length, 0, () => weight.map((value, c) => value / Math.sqrt(variance[c]! + epsilon)));
  const shift = lazyVector(length, 0, () => {
    const scales = scale.read();
    return bias.map((value, c) => value - mean[c]! * scales[c]!);
  });
  const deviation = lazyVector(length, 0, () =>
    // A mean of 0 and a variance of 1 are what an untrained or emptied BatchNorm has: nothing is known.
    scale
      .read()
      .map((value, c) => (mean[c] === 0 && variance[c] === 1 ? 0 : Math.abs(value) * Math.sqrt(variance[c]!))),
  );
  const statistics = { mean: vectorOf(bias), deviation };
  return it.builder.on(view, { kind: "batchNorm", scale, shift, relu: false, statistics });
};

/** The channels of a value times a matrix [O, I]; they are O afterwards. */
export function multiplied(it: Mapper, view: View, axis: number, matrix: Constant, bias: Vector | null): View {
  const { builder } = it;
  const { name } = builder;
  const [out, depth] = matrix.shape as [number, number];
  if (extentOf(view.places[2]) !== depth)
    throw bad(it.node, `multiplies ${extentOf(view.places[2])} values by [${matrix.shape}]`);
  const [height, width] = builder.extents(view.value);
  const weight = weightOf(it, matrix);
  const [inputs, relu] = [[view.value] as const, false];
  const ones = [1, 1] as const;
  const conv = { kind: "conv", kernel: ones, stride: ones, padding: [0, 0, 0, 0], dilation: ones, groups: 1 } as const;
  const value =
    height * width === 1
      ? builder.emit({ kind: "linear", name, inputs, weight, bias, relu }, [1, 1, out])
      : builder.emit({ ...conv, name, inputs, bias, relu, weight: { ...weight, shape: [out, depth, 1, 1] } }, [
          height,
          width,
          out,
        ]);
  const made = dims(out);
  const axes = view.axes.map((list, at) => (at === axis ? made : list));
  return { ...view, value, places: [view.places[0], view.places[1], made], axes, rounded: undefined };
}

/** A value times a constant matrix, with a bias for each column. */
const gemm: Operator = (it, node) => {
  const [a, b, third] = [it.input(0), it.input(1), node.inputs[2] ? it.input(2) : null];
  const isBias = !third || (!isView(third) && third.shape.slice(0, -1).every((extent) => extent === 1));
  const isPlain =
    isView(a) && a.axes.length === 2 && equal(a.places[2], a.axes[1]!) && !isView(b) && b.shape.length === 2 && isBias;
  const isBare = node.integer("transA", 0) === 0 && node.float("alpha", 1) === 1 && node.float("beta", 1) === 1;
  if (!isPlain || !isBare) return it.more.gemm(it, node);
  const matrix = node.integer("transB", 0) ? b : transposed(b, [1, 0]);
  return multiplied(it, a, 1, matrix, third && biasOf(it, third as Constant, matrix.shape[0]!));
};

const reshape: Operator = (it, node) => {
  const view = it.stored();
  const wanted = it.list(1) ?? node.integers("shape") ?? [];
  return it.reshape(view, reshapedShape(node, shapeOf(view), wanted));
};

const flatten: Operator = (it, node) => {
  const view = it.stored();
  return it.reshape(view, flattened(node, shapeOf(view)));
};

const add: Operator = (it, node) => {
  const [one, other] = [it.input(0), it.input(1)];
  return isFloat(one.type) && !node.has("axis") ? it.combine("add", one, other) : it.more.operators.Add!(it, node);
};

/** What networks of plain convolutions are made of. The others are in `more/`. */
export const operators: Readonly<Record<string, Operator>> = {
  Conv: convolution,
  BatchNormalization: batchNormalization,
  Relu: (it) => it.relu(it.view()),
  Clip: (it, node) => {
    const inputs = node.inputs.map((_, index) => (index > 0 ? it.constant(index) : undefined));
    return it.clip(it.view(), ...clipBounds(node, inputs, it.work));
  },
  Add: add,
  MaxPool: pool("maxPool"),
  AveragePool: pool("averagePool"),
  GlobalAveragePool: globalPool("globalAveragePool"),
  ReduceMean: reduction((it, view, axes) => it.pool(view, axes, "globalAveragePool")),
  Gemm: gemm,
  Flatten: flatten,
  Reshape: reshape,
  Identity: same,
  Dropout: (it, node) => {
    if (it.list(2)?.[0] && it.list(1)?.[0] !== 0) throw it.refuse("it is in training mode");
    return same(it, node);
  },
};
