import type { BinaryOp } from "../../../graph/network.js";
import { elementCount } from "../../../graph/tensor.js";
import { MixesImages, vectorOf } from "../builder.js";
import type { Constant } from "../constants.js";
import { isView, type Mapper, type Value } from "../mapper.js";
import { bad } from "../shapes.js";
import { type Dim, dims, equal, extentOf, isBatch, type Places, shapeOf, type View } from "../views.js";
import { affine, merged, reshaped } from "./moves.js";
import { broadcast } from "./shapes.js";
import { paired, regrouped } from "./views.js";

// Tensors whose indices have to be brought together first.

/** The view with an axis that lies alone in one of the value's; which of them. */
export function alone(it: Mapper, view: View, axis: number): [View, place: 0 | 1 | 2] {
  const list = view.axes[axis]!;
  if (list.some(isBatch)) throw new MixesImages();
  const found =
    list.length > 0 ? view.places.findIndex((it) => equal(it, list)) : view.places.findIndex((it) => it.length === 0);
  if (found >= 0) return [view, found as 0 | 1 | 2];
  const own = view.places.findIndex((it) => it.length === list.length && it.every((dim) => list.includes(dim)));
  if (own >= 0 && list.length > 0) {
    const places = view.places.map((it, place) => (place === own ? list : it)) as unknown as Places;
    return [it.builder.arrange(view, places), own as 0 | 1 | 2];
  }
  const order = view.places.flat();
  const at = list.length > 0 ? order.indexOf(list[0]!) : 0;
  const inPlace = equal(order.slice(at, at + list.length), list);
  const rest = order.filter((dim) => !list.includes(dim));
  const places: Places = inPlace ? [order.slice(0, at), list, order.slice(at + list.length)] : [rest, list, []];
  return [it.builder.arrange(view, places), 1];
}

/** The view with these indices, and no others, in its channels. */
export function inChannels(it: Mapper, view: View, list: readonly Dim[]): View {
  if (list.some(isBatch)) throw new MixesImages();
  if (equal(view.places[2], list)) return view;
  const rest = (place: 0 | 1 | 2) => view.places[place].filter((dim) => !list.includes(dim));
  return it.builder.arrange(view, [rest(0), [...rest(1), ...rest(2)], list]);
}

/** A constant as a value: what depends on none. It hangs on a view that is at hand, so that stages can be cut elsewhere. */
function constantValue(
  it: Mapper,
  values: Float64Array,
  extents: readonly [number, number, number],
  near: View,
): number {
  const { builder } = it;
  const { name } = builder;
  const one = builder.emit({ kind: "slice", name, inputs: [near.value], begin: [0, 0, 0], step: [1, 1, 1] }, [1, 1, 1]);
  const zero = builder.emit(
    { kind: "activation", function: "clip", name, inputs: [one], alpha: 0, beta: 0 },
    [1, 1, 1],
  );
  const count = values.length;
  const weight = {
    shape: [count, 1],
    read: (begin: number, end: number, to: Float32Array) => void to.fill(1, 0, end - begin),
  };
  const flat = builder.emit({ kind: "linear", name, inputs: [zero], weight, bias: vectorOf(values), relu: false }, [
    1,
    1,
    count,
  ]);
  return reshaped(builder, flat, extents);
}

/** A constant as a view of its own, its last axis in the channels. */
export function viewOf(it: Mapper, constant: Constant, near: View): View {
  const axes = constant.shape.map(dims);
  const value = constantValue(it, it.numbers(constant), [1, 1, elementCount(constant.shape)], near);
  return { value, places: [[], [], axes.flat()], axes, type: constant.type };
}

/** one (function) other, by ONNX's broadcasting, as real numbers. */
export function combine(it: Mapper, name: BinaryOp["function"], one: Value, other: Value): View {
  const result = isView(one)
    ? isView(other)
      ? both(it, name, one, other)
      : withConstant(it, name, one, other, false)
    : withConstant(it, name, other as View, one, true);
  return { ...result, type: one.type };
}

function withConstant(it: Mapper, name: BinaryOp["function"], view: View, constant: Constant, swapped: boolean): View {
  const shape = broadcast(shapeOf(view), constant.shape);
  if (!shape) throw bad(it.node, `meets [${shapeOf(view)}] with [${constant.shape}]`);
  let x: View = { ...view, axes: [...Array(shape.length - view.axes.length).fill([]), ...view.axes] };
  const values = it.numbers(constant);
  const linear = name === "add" || name === "subtract" || name === "multiply" || name === "divide";
  if (values.length === 1 && !linear) {
    const [value] = values as unknown as [number];
    return name === "maximum"
      ? it.clip(x, value, Number.POSITIVE_INFINITY)
      : it.clip(x, Number.NEGATIVE_INFINITY, value);
  }
  const missing = shape.length - constant.shape.length;
  const grows = constant.shape.some((extent, axis) => extent > 1 && x.axes[axis + missing]!.length === 0);
  if (grows) return order(it, name, x, viewOf(it, constant, x), swapped);
  let over: Dim[] = [];
  for (const [at, extent] of constant.shape.entries()) {
    if (extent === 1) continue;
    const axis = at + missing;
    if (x.axes[axis]!.some(isBatch)) throw new MixesImages();
    over = [...over, ...x.axes[axis]!];
  }
  const [rows, columns, channels] = x.places;
  if (!linear || [...rows, ...columns].some((dim) => over.includes(dim))) {
    // A value for each element: it is laid out as the other is, or the other so that it can be.
    const places = x.places.map((list) => list.filter((dim) => over.includes(dim))) as [Dim[], Dim[], Dim[]];
    const laid = spread(values, over, places.flat());
    const [height, width, depth] = places.map(extentOf) as [number, number, number];
    const value = constantValue(it, laid, [height, width, depth], x);
    const axes = x.axes.map((axis) => axis.filter((dim) => over.includes(dim)));
    return order(it, name, x, { value, places, axes, type: constant.type }, swapped);
  }
  const vector = (change: (value: number) => number) => {
    const changed = values.map(change);
    return vectorOf(spread(changed, over, channels));
  };
  const [ones, zeros] = [vector(() => 1), vector(() => 0)];
  if (name === "add")
    return affine(
      it.builder,
      x,
      ones,
      vector((it) => it),
    );
  if (name === "multiply")
    return affine(
      it.builder,
      x,
      vector((it) => it),
      zeros,
    );
  if (name === "subtract") {
    return swapped
      ? affine(
          it.builder,
          x,
          vector(() => -1),
          vector((it) => it),
        )
      : affine(
          it.builder,
          x,
          ones,
          vector((it) => -it),
        );
  }
  if (!swapped)
    return affine(
      it.builder,
      x,
      vector((it) => 1 / it),
      zeros,
    );
  x = it.activation(x, "reciprocal");
  return affine(
    it.builder,
    x,
    vector((it) => it),
    zeros,
  );
}

function order(it: Mapper, name: BinaryOp["function"], x: View, other: View, swapped: boolean): View {
  return swapped ? both(it, name, other, x) : both(it, name, x, other);
}

/** Of two computed tensors. */
function both(it: Mapper, name: BinaryOp["function"], one: View, other: View): View {
  const shape = broadcast(shapeOf(one), shapeOf(other));
  if (!shape) throw bad(it.node, `meets [${shapeOf(one)}] with [${shapeOf(other)}]`);
  const padded = (view: View): View => ({
    ...view,
    axes: [...Array(shape.length - view.axes.length).fill([]), ...view.axes],
  });
  let [a, b] = [padded(one), padded(other)];
  if (one.value === other.value && name === "add" && one.places === other.places && one.axes === other.axes) {
    return scaled(it, a, 2, 0);
  }
  [a, b] = aligned(
    it,
    a,
    b,
    shape.map((_, axis) => axis),
  );
  const axes = shape.map((_, axis) => (a.axes[axis]!.length > 0 ? a.axes[axis]! : b.axes[axis]!));
  const [inOne, inOther] = [a, b].map((view) => new Set(view.places.flat())) as [Set<Dim>, Set<Dim>];
  const presence = (dim: Dim) => (inOne.has(dim) ? 1 : 0) + (inOther.has(dim) ? 2 : 0);
  const all = [...new Set([...a.places.flat(), ...b.places.flat()])];
  const base = all.length === inOne.size ? a : all.length === inOther.size ? b : null;
  const isPure = (list: readonly Dim[]) => list.every((dim) => presence(dim) === presence(list[0]!));
  const places = base?.places.every(isPure) ? base.places : inRuns(base?.places.flat() ?? all, presence);
  const only = (inside: Set<Dim>) => places.map((list) => list.filter((dim) => inside.has(dim))) as unknown as Places;
  a = it.builder.arrange(a, only(inOne));
  b = it.builder.arrange(b, only(inOther));
  const [height, width, channels] = places.map(extentOf) as [number, number, number];
  const same = it.builder.extents(a.value).join() === it.builder.extents(b.value).join();
  const inputs = [a.value, b.value] as const;
  const { name: label } = it.builder;
  const value = it.builder.emit(
    name === "add" && same
      ? { kind: "add", name: label, inputs, relu: false }
      : { kind: "binary", function: name, name: label, inputs },
    [height, width, channels],
  );
  return { value, places, axes, type: one.type };
}

/** Two views of as many axes, with the same indices in each of these axes where both have some. */
function aligned(it: Mapper, one: View, other: View, along: readonly number[]): [View, View] {
  let [a, b] = [one, other];
  for (const axis of along) {
    if (a.axes[axis]!.length === 0 || b.axes[axis]!.length === 0) continue;
    const found = paired(a, b, axis, axis);
    if (found) [a, b] = found;
    else {
      if ([...a.axes[axis]!, ...b.axes[axis]!].some(isBatch)) throw new MixesImages();
      [a, b] = paired(merged(it.builder, a, axis), merged(it.builder, b, axis), axis, axis)!;
    }
  }
  return [a, b];
}

/** Values one after the other along an axis. */
export function concat(it: Mapper, parts: readonly Value[], axis: number): View {
  const near = parts.find(isView)!;
  const rank = near.axes.length;
  const views = parts
    .filter((part) => isView(part) || elementCount(part.shape) > 0)
    .map((part) => (isView(part) ? part : viewOf(it, part, near)));
  const others = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
  const [first] = views as [View];
  for (const { axes } of views) {
    if (axes.length !== rank || others.some((at) => extentOf(axes[at]!) !== extentOf(first.axes[at]!))) {
      throw bad(it.node, `joins [${views.map((it) => `[${shapeOf(it)}]`)}] along ${axis}`);
    }
  }
  // Whatever splits an index of one part splits it in all of them: the last one has all splits.
  let base = views[0]!;
  for (let round = 0; round < 2; round++)
    for (const [at, view] of views.entries()) [base, views[at]] = aligned(it, base, view, others);
  const [laid, place] = alone(it, base, axis);
  const total = dims(views.reduce((sum, view) => sum + extentOf(view.axes[axis]!), 0));
  const values = views.map((view) => {
    const places = laid.places.map((list, at) => (at === place ? view.axes[axis]! : list)) as unknown as Places;
    return it.builder.arrange(view, places).value;
  }) as [number, ...number[]];
  const places = laid.places.map((list, at) => (at === place ? total : list)) as unknown as Places;
  const [height, width, channels] = places.map(extentOf) as [number, number, number];
  const { name } = it.builder;
  const value =
    values.length === 1
      ? values[0]
      : it.builder.emit({ kind: "concat", name, inputs: values, axis: place }, [height, width, channels]);
  return {
    ...laid,
    value,
    places,
    axes: laid.axes.map((list, at) => (at === axis ? total : list)),
    rounded: first.rounded,
  };
}

/** Every `step`-th element of an axis. */
export function sliced(it: Mapper, view: View, axis: number, begin: number, step: number, count: number): View {
  const extent = extentOf(view.axes[axis]!);
  if (begin === 0 && step === 1 && count === extent) return view;
  if (count === 0) throw it.refuse("it leaves no element");
  const [laid, place] = alone(it, view, axis);
  const taken = dims(count);
  const places = laid.places.map((list, at) => (at === place ? taken : list)) as unknown as Places;
  const along = (value: number, otherwise: number) =>
    [0, 1, 2].map((at) => (at === place ? value : otherwise)) as [number, number, number];
  const extents = places.map(extentOf) as [number, number, number];
  const { name } = it.builder;
  const value = it.builder.emit(
    { kind: "slice", name, inputs: [laid.value], begin: along(begin, 0), step: along(step, 1) },
    extents,
  );
  return { ...laid, value, places, axes: laid.axes.map((list, at) => (at === axis ? taken : list)) };
}

/** The sum over some axes, which are left with an extent of 1. */
export function summed(it: Mapper, view: View, axes: readonly number[]): View {
  const count = axes.reduce((product, axis) => product * extentOf(view.axes[axis]!), 1);
  return scaled(it, it.pool(view, axes, "globalAveragePool"), count, 0);
}

/** Axes under another shape of as many elements. */
export function reshape(it: Mapper, view: View, shape: readonly number[]): View {
  const found = regrouped(view, shape);
  if (found) return found;
  // Images that are run one by one stay the first index.
  const order = view.axes.flat();
  const [batch, ...rest] = order[0] && isBatch(order[0]) ? order : [undefined, ...order];
  const inner = rest as Dim[];
  if (inner.some(isBatch)) throw new MixesImages();
  const flat = it.builder.arrange(view, [[], [], inner]);
  const one: Dim = { extent: extentOf(inner) };
  const again = regrouped({ ...flat, places: [[], [], [one]], axes: [batch ? [batch] : [], [one]] }, shape);
  if (!again) throw new MixesImages();
  return again;
}

export function scaled(it: Mapper, view: View, scale: number, shift: number): View {
  if (scale === 1 && shift === 0) return view;
  const channels = extentOf(view.places[2]);
  const all = (value: number) => vectorOf(new Float64Array(channels).fill(value));
  return affine(it.builder, view, all(scale), all(shift));
}

/** At most three lists of indices that both views have, or one of them has. */
function inRuns(order: readonly Dim[], presence: (dim: Dim) => number): Places {
  const cut = (list: readonly Dim[]) => {
    const runs: Dim[][] = [];
    for (const [at, dim] of list.entries()) {
      if (at > 0 && presence(list[at - 1]!) === presence(dim)) runs.at(-1)!.push(dim);
      else runs.push([dim]);
    }
    return runs;
  };
  let runs = cut(order);
  if (runs.length > 3) runs = cut([...order].sort((a, b) => presence(a) - presence(b)));
  return [...Array(3 - runs.length).fill([]), ...runs] as unknown as Places;
}

/** Values that run over some indices, laid out over others: repeated over those that are new. */
export function spread(values: Float64Array, over: readonly Dim[], wanted: readonly Dim[]): Float64Array {
  const strides = new Map<Dim, number>();
  let step = 1;
  for (const dim of [...over].reverse()) {
    strides.set(dim, step);
    step *= dim.extent;
  }
  const result = new Float64Array(extentOf(wanted));
  for (let at = 0; at < result.length; at++) {
    let [rest, from] = [at, 0];
    for (let index = wanted.length - 1; index >= 0; index--) {
      const dim = wanted[index]!;
      from += (rest % dim.extent) * (strides.get(dim) ?? 0);
      rest = Math.floor(rest / dim.extent);
    }
    result[at] = values[from]!;
  }
  return result;
}
