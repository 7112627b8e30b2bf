import type { Vector } from "../../../graph/network.js";
import { MixesImages } from "../builder.js";
import { type Constant, reshaped, transposed } from "../constants.js";
import type { Operator } from "../mapper.js";
import { isView, type Mapper, type Value } from "../mapper.js";
import { biasOf, multiplied, weightOf } from "../operators.js";
import { bad } from "../shapes.js";
import { type Dim, dims, equal, extentOf, isBatch, type Places, type View } from "../views.js";
import { combine, scaled } from "./tensors.js";

/** An axis of a value times a matrix [O, I]; the axis is O afterwards. */
export function linear(it: Mapper, view: View, axis: number, matrix: Constant, bias: Vector | null = null): View {
  const over = view.axes[axis]!;
  if (over.some(isBatch)) throw new MixesImages();
  const [out, depth] = matrix.shape as [number, number];
  if (extentOf(over) !== depth) throw bad(it.node, `multiplies ${extentOf(over)} values by [${matrix.shape}]`);
  const { builder } = it;
  const all = view.places.flat();
  const [rows, columns, channels] = view.places;
  const isWhole = all.length === over.length && all.every((dim) => over.includes(dim));
  if (isWhole && !equal(channels, over)) {
    // All of a value at once: a convolution whose kernel is as large.
    const order = [...channels, ...rows, ...columns].map((dim) => over.indexOf(dim));
    const split = reshaped(matrix, [out, ...over.map(({ extent }) => extent)], it.work);
    const weight = weightOf(it, transposed(split, [0, ...order.map((at) => at + 1)]));
    const kernel = [extentOf(rows), extentOf(columns)] as const;
    const shape = [out, extentOf(channels), ...kernel];
    const ones = [1, 1] as const;
    const around = { stride: ones, padding: [0, 0, 0, 0], dilation: ones, groups: 1 } as const;
    const op = {
      kind: "conv",
      name: builder.name,
      inputs: [view.value],
      kernel,
      ...around,
      bias,
      relu: false,
    } as const;
    const value = builder.emit({ ...op, weight: { ...weight, shape } }, [1, 1, out]);
    const made = dims(out);
    const axes = view.axes.map((list, at) => (at === axis ? made : list));
    return { ...view, value, places: [[], [], made], axes, rounded: undefined };
  }
  const rest = (list: readonly Dim[]) => list.filter((dim) => !over.includes(dim));
  const places: Places = equal(channels, over)
    ? view.places
    : [rest(rows), [...rest(columns), ...rest(channels)], over];
  return multiplied(it, builder.arrange(view, places), axis, matrix, bias);
}

const swap = (view: View): View => ({ ...view, axes: [view.axes[1]!, view.axes[0]!] });

/** A constant times a number. */
const times = (constant: Constant, factor: number): Constant =>
  factor === 1 || constant.linear
    ? constant
    : { ...constant, linear: { scale: Float64Array.of(factor), zero: new Float64Array(1), axis: 0 } };

export const gemm: Operator = (it, node) => {
  const [a, b] = [it.input(0), it.input(1)];
  const [alpha, beta] = [node.float("alpha", 1), node.float("beta", 1)];
  if ((isView(a) ? a.axes : a.shape).length !== 2) throw bad(node, "takes a matrix");
  const third = node.inputs[2] ? it.input(2) : null;
  const flip = <T extends Value>(value: T, name: string, wanted: number, turn: (value: T) => T) =>
    node.integer(name, 0) === wanted ? turn(value) : value;
  const turned = (constant: Constant) => transposed(constant, [1, 0]);
  if (!isView(a))
    return sum(
      it,
      linear(it, flip(b as View, "transB", 1, swap), 0, times(flip(a, "transA", 1, turned), alpha)),
      third,
      beta,
    );
  if (isView(b)) throw it.refuse("it multiplies two computed matrices");
  const matrix = times(flip(b, "transB", 0, turned), alpha);
  const isBias = third && !isView(third) && third.shape.slice(0, -1).every((extent) => extent === 1);
  const bias = isBias ? biasOf(it, times(third, beta), matrix.shape[0]!) : null;
  return sum(it, linear(it, flip(a, "transA", 1, swap), 1, matrix, bias), isBias ? null : third, beta);
};

function sum(it: Mapper, product: View, third: Value | null, beta: number): View {
  if (!third) return product;
  return combine(it, "add", product, isView(third) ? scaled(it, third, beta, 0) : times(third, beta));
}
