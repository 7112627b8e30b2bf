import { elementCount } from "../../../graph/tensor.js";
import { MAX_GATHERED } from "../../../limits.js";
import { type Constant, computed, reshaped, transposed } from "../constants.js";
import { isView, type Mapper, type Value } from "../mapper.js";
import { bad } from "../shapes.js";
import { shapeOf, type View } from "../views.js";
import { linear } from "./linear.js";
import { combine, concat, sliced, summed } from "./tensors.js";

const shape = (value: Value) => (isView(value) ? shapeOf(value) : value.shape);

/**
 * ONNX's MatMul, which is numpy's: of a computed value and a constant, in either order, with a product for each matrix of the axes
 * before the last two; of two computed values where one is a vector.
 */
export function product(it: Mapper, a: Value, b: Value): View {
  if (isView(a) && isView(b)) return weighted(it, a, b);
  const [left, right] = [shape(a), shape(b)];
  // One matrix for all of the axes before the value's last.
  if (isView(a) && !isView(b) && elementCount(right.slice(0, -2)) === 1) {
    const axis = a.axes.length - 1;
    if (right.length > 1) return linear(it, a, axis, transposed(matrix(it, b), [1, 0]));
    const result = linear(it, a, axis, reshaped(b, [1, right[0]!], it.work));
    return { ...result, axes: result.axes.slice(0, -1) };
  }
  if (isView(b) && !isView(a) && left.length > 1 && elementCount(left.slice(0, -2)) === 1)
    return linear(it, b, Math.max(0, b.axes.length - 2), matrix(it, a));
  // A vector is a matrix of one row, or of one column, whose axis goes afterwards.
  const rank = Math.max(left.length, right.length, 2);
  const sides = [left.length === 1 ? [1, ...left] : left, right.length === 1 ? [...right, 1] : right];
  const [one, other] = [a, b].map((value, at) =>
    shaped(it, value, [...Array(rank - sides[at]!.length).fill(1), ...sides[at]!]),
  ) as [Value, Value];
  const result = each(it, one, other);
  const extents = shapeOf(result);
  return it.reshape(result, [
    ...extents.slice(0, -2),
    ...(left.length === 1 ? [] : [extents[rank - 2]!]),
    ...(right.length === 1 ? [] : [extents[rank - 1]!]),
  ]);
}

const flipped = (view: View): View => ({
  ...view,
  axes: [...view.axes.slice(0, -2), view.axes.at(-1)!, view.axes.at(-2)!],
});

/** Rows weighted by one column, or columns by one row, and summed: what pools of global context do. */
function weighted(it: Mapper, a: View, b: View): View {
  const [left, right] = [shapeOf(a), shapeOf(b)];
  const rank = Math.max(left.length, right.length);
  if (Math.min(left.length, right.length) >= 2) {
    if (right.at(-1) === 1) return summed(it, combine(it, "multiply", a, flipped(b)), [rank - 1]);
    if (left.at(-2) === 1) return summed(it, combine(it, "multiply", flipped(a), b), [rank - 2]);
  }
  throw it.refuse("it multiplies two computed matrices, as attention does");
}

const matrix = (it: Mapper, constant: Constant) => reshaped(constant, constant.shape.slice(-2), it.work);

/** A constant's numbers are written one after the other, so that a matrix is a part of them. */
const shaped = (it: Mapper, value: Value, wanted: readonly number[]): Value =>
  isView(value) ? it.reshape(value, wanted) : computed(it.numbers(value), wanted, value.type);

/** Both of one rank. The first axis is taken apart where there is more than a matrix. */
function each(it: Mapper, a: Value, b: Value): View {
  const [left, right] = [shape(a), shape(b)];
  if (left.length === 2) return product(it, a, b);
  const count = Math.max(left[0]!, right[0]!);
  if (count > MAX_GATHERED) throw it.refuse(`it multiplies ${count} matrices; 1 to ${MAX_GATHERED} are supported`);
  if ([left[0], right[0]].some((extent) => extent !== 1 && extent !== count))
    throw bad(it.node, `multiplies [${left}] by [${right}]`);
  const parts = Array.from({ length: count }, (_, at) => {
    const result = each(it, part(it, a, at), part(it, b, at));
    return it.reshape(result, [1, ...shapeOf(result)]);
  });
  return concat(it, parts, 0);
}

/** An index of the first axis, which goes; of an extent of 1 that one. */
function part(it: Mapper, value: Value, index: number): Value {
  const [extent, ...rest] = shape(value) as [number, ...number[]];
  const at = extent === 1 ? 0 : index;
  if (isView(value)) return it.reshape(sliced(it, value, 0, at, 1, 1), rest);
  const size = value.bytes.length / extent;
  return {
    ...value,
    shape: rest,
    strides: value.strides.slice(1),
    bytes: value.bytes.subarray(at * size, (at + 1) * size),
  };
}
