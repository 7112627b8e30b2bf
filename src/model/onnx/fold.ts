import { bytesPerElement, elementCount } from "../../graph/tensor.js";
import { MAX_AXES } from "../../limits.js";
import { type Constant, computed, numbersOf, readTensor, reshaped, transposed, type Work } from "./constants.js";
import { isFloat, type Node, Type } from "./proto.js";
import { axisOf, bad, flattened, reshapedShape, squeezed, unsqueezed } from "./shapes.js";

export type Inputs = readonly (Constant | undefined)[];

/**
 * A node's outputs, all of whose inputs are known. Throws `ModelFormatError` for extents that cannot be, and beyond the bound on elements.
 */
export type Fold = (node: Node, inputs: Inputs, work: Work, external: ReadonlyMap<string, Uint8Array>) => Constant[];

const listOf = (constant: Constant | undefined, work: Work) => (constant ? [...numbersOf(constant, work)] : undefined);

/** Axes that a node states as an attribute or, in later versions, as an input. */
export function axesOf(node: Node, input: Constant | undefined, work: Work): number[] | null {
  return listOf(input, work) ?? node.integers("axes");
}

const same: Fold = (_, [x]) => [x!];

/** What exporters leave of shapes that they compute. The others are in `more/`. */
export const folds: Readonly<Record<string, Fold>> = {
  Constant(node, _, __, external) {
    const value = node.tensor("value");
    if (value) return [readTensor(value, external, node.outputs[0])];
    const list = node.floats("value_floats") ?? node.integers("value_ints");
    const type = node.has("value_int") || node.has("value_ints") ? Type.i64 : Type.float;
    if (list) return [computed(Float64Array.from(list), [list.length], type)];
    if (!node.has("value_float") && !node.has("value_int")) throw bad(node, "has no numbers as its value");
    return [computed(Float64Array.of(node.integer("value_int", node.float("value_float", 0))), [], type)];
  },
  Identity: same,
  Dropout: same,
  Cast(node, [x], work) {
    const to = node.integer("to", x!.type);
    if (isFloat(to) || to === x!.type) return [{ ...x!, type: to }];
    const change = to === Type.bool ? (it: number) => Number(it !== 0) : Math.trunc;
    return [computed(numbersOf(x!, work).map(change), x!.shape, to)];
  },
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
};

/** Indices along an axis, counted from its front. */
export function indicesOf(node: Node, extent: number, stated: readonly number[] = []): number[] {
  const indices = stated.map((at) => (at < 0 ? at + extent : at));
  if (indices.every((at) => at >= 0 && at < extent)) return indices;
  throw bad(node, `gathers ${stated.slice(0, 8)} of ${extent}`);
}

export function clipBounds(node: Node, [, least, most]: Inputs, work: Work): readonly [number, number] {
  const bound = (input: Constant | undefined, attribute: string, otherwise: number) =>
    listOf(input, work)?.[0] ?? node.float(attribute, otherwise);
  return [bound(least, "min", Number.NEGATIVE_INFINITY), bound(most, "max", Number.POSITIVE_INFINITY)];
}

export function transposeOrder(node: Node, rank: number): number[] {
  const order = node.integers("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const isOrder =
    order.length === rank && order.every((axis) => axis >= 0 && axis < rank) && new Set(order).size === rank;
  if (!isOrder) throw bad(node, `orders ${rank} axes as [${order}]`);
  return order;
}

export function checkShape(node: Node, shape: readonly number[]): readonly number[] {
  const isShape = shape.length <= MAX_AXES && shape.every((it) => Number.isInteger(it) && it >= 0);
  if (isShape && Number.isSafeInteger(elementCount(shape))) return shape;
  throw bad(node, `makes the shape [${shape.slice(0, MAX_AXES + 1)}]`);
}

/** Integers as the floats that they stand for; others as they are. */
export function plain(constant: Constant, work: Work): Constant {
  return constant.linear ? computed(numbersOf(constant, work), constant.shape, constant.type) : constant;
}

/** Some of an axis: a view, unless the step is below zero. */
export function taken(x: Constant, axis: number, begin: number, step: number, count: number, work: Work): Constant {
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
