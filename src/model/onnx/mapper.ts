import { UnsupportedModelError } from "../../errors.js";
import type { ActivationOp, BinaryOp, Vector } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import { Builder, MixesImages, vectorOf } from "./builder.js";
import { type Constant, freshWork, numbersOf } from "./constants.js";
import type { Node } from "./proto.js";
import { bad, broadcast } from "./shapes.js";
import {
  type Dim,
  dims,
  equal,
  extentOf,
  inValue,
  isBatch,
  type Places,
  paired,
  regrouped,
  shapeOf,
  type View,
} from "./views.js";

export type Value = View | Constant;

export const isView = (value: Value): value is View => "places" in value;

/** What is known of each tensor of the graph while its nodes are mapped, and what every operator asks for. */
export class Mapper {
  readonly builder = new Builder();
  readonly constants = new Map<string, Constant>();
  readonly views = new Map<string, View>();
  readonly makers = new Map<string, Node>();
  readonly work = freshWork();
  /** The one that is being mapped. */
  node!: Node;

  refuse(why: string): UnsupportedModelError {
    return new UnsupportedModelError(`${`${this.node}`.replace(/^n/, "N")}: ${why}.`);
  }

  /** An input, as it stands; undefined where the node has none there. */
  given(index: number): Value | undefined {
    const name = this.node.inputs[index];
    if (!name) return undefined;
    return this.constants.get(name) ?? this.views.get(name);
  }

  /** An input's numbers: integers themselves, where the value holds what they stand for. */
  input(index: number): Value {
    const found = this.given(index);
    if (!found) throw bad(this.node, `lacks input ${index}`);
    return isView(found) ? this.whole(found) : found;
  }

  /** An input that is computed from the picture. */
  view(index = 0): View {
    const found = this.input(index);
    if (!isView(found)) throw this.refuse(`its input ${index} is a constant, and another one is not`);
    return found;
  }

  constant(index: number): Constant | undefined {
    const found = this.given(index);
    if (found && isView(found))
      throw this.refuse(`its input ${index} is computed from the picture; only a constant one is supported`);
    return found;
  }

  needed(index: number): Constant {
    const found = this.constant(index);
    if (!found) throw bad(this.node, `lacks input ${index}`);
    return found;
  }

  numbers(constant: Constant): Float64Array {
    return numbersOf(constant, this.work);
  }

  list(index: number): number[] | null {
    const found = this.constant(index);
    return found ? [...this.numbers(found)] : null;
  }

  /** Integers where a value holds the floats that they stand for: q = real / scale + zero. */
  whole(view: View): View {
    const { rounded } = view;
    return rounded ? this.scaled(view, 1 / rounded.scale, rounded.zero) : view;
  }

  scaled(view: View, scale: number, shift: number): View {
    if (scale === 1 && shift === 0) return view;
    const channels = extentOf(view.places[2]);
    const all = (value: number) => vectorOf(new Float64Array(channels).fill(value));
    return this.builder.affine(view, all(scale), all(shift));
  }

  activation(view: View, name: ActivationOp["function"], parameters: Partial<ActivationOp> = {}): View {
    return this.builder.on(view, { kind: "activation", function: name, ...parameters });
  }

  relu(view: View): View {
    return this.builder.on(view, { kind: "relu" });
  }

  clip(view: View, least: number, most: number): View {
    const largest = 3.4028234663852886e38;
    if (least === 0 && most === 6) return this.activation(view, "relu6");
    if (least === 0 && most >= largest) return this.relu(view);
    if (least <= -largest && most >= largest) return view;
    return this.activation(view, "clip", { alpha: Math.max(least, -largest), beta: Math.min(most, largest) });
  }

  /** Axes under another shape of as many elements. */
  reshape(view: View, shape: readonly number[]): View {
    const found = regrouped(view, shape);
    if (found) return found;
    // Images that are run one by one stay the first index.
    const order = view.axes.flat();
    const [batch, ...rest] = order[0] && isBatch(order[0]) ? order : [undefined, ...order];
    const inner = rest as Dim[];
    if (inner.some(isBatch)) throw new MixesImages();
    const flat = this.builder.arrange(view, [[], [], inner]);
    const one: Dim = { extent: extentOf(inner) };
    const again = regrouped({ ...flat, places: [[], [], [one]], axes: [batch ? [batch] : [], [one]] }, shape);
    if (!again) throw new MixesImages();
    return again;
  }

  /** The view with an axis that lies alone in one of the value's; which of them. */
  alone(view: View, axis: number): [View, place: 0 | 1 | 2] {
    const list = view.axes[axis]!;
    if (list.some(isBatch)) throw new MixesImages();
    const found =
      list.length > 0 ? view.places.findIndex((it) => equal(it, list)) : view.places.findIndex((it) => it.length === 0);
    if (found >= 0) return [view, found as 0 | 1 | 2];
    const own = view.places.findIndex((it) => it.length === list.length && it.every((dim) => list.includes(dim)));
    if (own >= 0 && list.length > 0) {
      const places = view.places.map((it, place) => (place === own ? list : it)) as unknown as Places;
      return [this.builder.arrange(view, places), own as 0 | 1 | 2];
    }
    const order = view.places.flat();
    const at = list.length > 0 ? order.indexOf(list[0]!) : 0;
    const inPlace = equal(order.slice(at, at + list.length), list);
    const rest = order.filter((dim) => !list.includes(dim));
    const places: Places = inPlace ? [order.slice(0, at), list, order.slice(at + list.length)] : [rest, list, []];
    return [this.builder.arrange(view, places), 1];
  }

  /** The view with these indices, and no others, in its channels. */
  inChannels(view: View, list: readonly Dim[]): View {
    if (list.some(isBatch)) throw new MixesImages();
    if (equal(view.places[2], list)) return view;
    const rest = (place: 0 | 1 | 2) => view.places[place].filter((dim) => !list.includes(dim));
    return this.builder.arrange(view, [rest(0), [...rest(1), ...rest(2)], list]);
  }

  /** A picture, [N, C, H, W] or [N, C, W], with rows, columns and channels in their places. */
  picture(view: View): View {
    const { axes } = view;
    if (axes.length > 4 || axes.length < 3)
      throw this.refuse(`it takes ${axes.length - 2} dimensions of space; two are supported`);
    const [batch, channels, one, two] = axes;
    if (batch!.length > 0 && !(batch!.length === 1 && isBatch(batch![0]!))) throw new MixesImages();
    return this.builder.arrange(view, two ? [one!, two, channels!] : [[], one!, channels!]);
  }

  /** A picture's axes after an operation that changed its extents. */
  pictureOf(view: View, value: number): View {
    const [height, width, channels] = this.builder.extents(value).map(dims) as [Dim[], Dim[], Dim[]];
    const space = view.axes.length === 4 ? [height, width] : [width];
    return {
      ...view,
      value,
      places: [height, width, channels],
      axes: [view.axes[0]!, channels, ...space],
      rounded: undefined,
    };
  }

  /** An element for each channel of a view: `values` run over some of its indices, and are repeated over others. */
  vector(values: Float64Array, over: readonly Dim[], view: View): Vector {
    const [, , channels] = view.places;
    return vectorOf(equal(over, channels) ? values : spread(values, over, channels));
  }

  /** A constant as a value: what depends on none. It hangs on a view that is at hand, so that stages can be cut elsewhere. */
  valueOf(values: Float64Array, extents: readonly [number, number, number], near: View): number {
    const { builder } = this;
    const { name } = builder;
    const one = builder.emit(
      { kind: "slice", name, inputs: [near.value], begin: [0, 0, 0], step: [1, 1, 1] },
      [1, 1, 1],
    );
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
    return builder.reshape(flat, extents);
  }

  /** A constant as a view of its own, its last axis in the channels. */
  viewOf(constant: Constant, near: View): View {
    const axes = constant.shape.map(dims);
    const value = this.valueOf(this.numbers(constant), [1, 1, elementCount(constant.shape)], near);
    return { value, places: [[], [], axes.flat()], axes, type: constant.type };
  }

  /** one (function) other, by ONNX's broadcasting, as real numbers. */
  combine(name: BinaryOp["function"], one: Value, other: Value): View {
    const result = isView(one)
      ? isView(other)
        ? this.both(name, one, other)
        : this.withConstant(name, one, other, false)
      : this.withConstant(name, other as View, one, true);
    return { ...result, type: one.type };
  }

  private withConstant(name: BinaryOp["function"], view: View, constant: Constant, swapped: boolean): View {
    const shape = broadcast(shapeOf(view), constant.shape);
    if (!shape) throw bad(this.node, `meets [${shapeOf(view)}] with [${constant.shape}]`);
    let x: View = { ...view, axes: [...Array(shape.length - view.axes.length).fill([]), ...view.axes] };
    const values = this.numbers(constant);
    const linear = name === "add" || name === "subtract" || name === "multiply" || name === "divide";
    if (values.length === 1 && !linear) {
      const [value] = values as unknown as [number];
      return name === "maximum"
        ? this.clip(x, value, Number.POSITIVE_INFINITY)
        : this.clip(x, Number.NEGATIVE_INFINITY, value);
    }
    const missing = shape.length - constant.shape.length;
    const grows = constant.shape.some((extent, axis) => extent > 1 && x.axes[axis + missing]!.length === 0);
    if (grows) return this.order(name, x, this.viewOf(constant, x), swapped);
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
      const value = this.valueOf(laid, [height, width, depth], x);
      const axes = x.axes.map((axis) => axis.filter((dim) => over.includes(dim)));
      return this.order(name, x, { value, places, axes, type: constant.type }, swapped);
    }
    const vector = (change: (value: number) => number) => {
      const changed = values.map(change);
      return vectorOf(spread(changed, over, channels));
    };
    const [ones, zeros] = [vector(() => 1), vector(() => 0)];
    if (name === "add")
      return this.builder.affine(
        x,
        ones,
        vector((it) => it),
      );
    if (name === "multiply")
      return this.builder.affine(
        x,
        vector((it) => it),
        zeros,
      );
    if (name === "subtract") {
      return swapped
        ? this.builder.affine(
            x,
            vector(() => -1),
            vector((it) => it),
          )
        : this.builder.affine(
            x,
            ones,
            vector((it) => -it),
          );
    }
    if (!swapped)
      return this.builder.affine(
        x,
        vector((it) => 1 / it),
        zeros,
      );
    x = this.activation(x, "reciprocal");
    return this.builder.affine(
      x,
      vector((it) => it),
      zeros,
    );
  }

  private order(name: BinaryOp["function"], x: View, other: View, swapped: boolean): View {
    return swapped ? this.both(name, other, x) : this.both(name, x, other);
  }

  /** Of two computed tensors. */
  private both(name: BinaryOp["function"], one: View, other: View): View {
    const shape = broadcast(shapeOf(one), shapeOf(other));
    if (!shape) throw bad(this.node, `meets [${shapeOf(one)}] with [${shapeOf(other)}]`);
    const padded = (view: View): View => ({
      ...view,
      axes: [...Array(shape.length - view.axes.length).fill([]), ...view.axes],
    });
    let [a, b] = [padded(one), padded(other)];
    if (one.value === other.value && name === "add" && one.places === other.places && one.axes === other.axes) {
      return this.scaled(a, 2, 0);
    }
    [a, b] = this.aligned(
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
    a = this.builder.arrange(a, only(inOne));
    b = this.builder.arrange(b, only(inOther));
    const [height, width, channels] = places.map(extentOf) as [number, number, number];
    const same = this.builder.extents(a.value).join() === this.builder.extents(b.value).join();
    const inputs = [a.value, b.value] as const;
    const { name: label } = this.builder;
    const value = this.builder.emit(
      name === "add" && same
        ? { kind: "add", name: label, inputs, relu: false }
        : { kind: "binary", function: name, name: label, inputs },
      [height, width, channels],
    );
    return { value, places, axes, type: one.type };
  }

  /** Two views of as many axes, with the same indices in each of these axes where both have some. */
  aligned(one: View, other: View, along: readonly number[]): [View, View] {
    let [a, b] = [one, other];
    for (const axis of along) {
      if (a.axes[axis]!.length === 0 || b.axes[axis]!.length === 0) continue;
      const found = paired(a, b, axis, axis);
      if (found) [a, b] = found;
      else {
        if ([...a.axes[axis]!, ...b.axes[axis]!].some(isBatch)) throw new MixesImages();
        [a, b] = paired(this.builder.merged(a, axis), this.builder.merged(b, axis), axis, axis)!;
      }
    }
    return [a, b];
  }

  /** Values one after the other along an axis. */
  concat(parts: readonly Value[], axis: number): View {
    const near = parts.find(isView)!;
    const rank = near.axes.length;
    const views = parts
      .filter((it) => !(isView(it) ? false : elementCount(it.shape) === 0))
      .map((it) => (isView(it) ? it : this.viewOf(it, near)));
    const others = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    const [first] = views as [View];
    for (const { axes } of views) {
      if (axes.length !== rank || others.some((at) => extentOf(axes[at]!) !== extentOf(first.axes[at]!))) {
        throw bad(this.node, `joins [${views.map((it) => `[${shapeOf(it)}]`)}] along ${axis}`);
      }
    }
    // Whatever splits an index of one part splits it in all of them: the last one has all splits.
    let base = views[0]!;
    for (let round = 0; round < 2; round++)
      for (const [at, view] of views.entries()) [base, views[at]] = this.aligned(base, view, others);
    const [laid, place] = this.alone(base, axis);
    const total = dims(views.reduce((sum, view) => sum + extentOf(view.axes[axis]!), 0));
    const values = views.map((view) => {
      const places = laid.places.map((list, at) => (at === place ? view.axes[axis]! : list)) as unknown as Places;
      return this.builder.arrange(view, places).value;
    }) as [number, ...number[]];
    const places = laid.places.map((list, at) => (at === place ? total : list)) as unknown as Places;
    const [height, width, channels] = places.map(extentOf) as [number, number, number];
    const { name } = this.builder;
    const value =
      values.length === 1
        ? values[0]
        : this.builder.emit({ kind: "concat", name, inputs: values, axis: place }, [height, width, channels]);
    return {
      ...laid,
      value,
      places,
      axes: laid.axes.map((list, at) => (at === axis ? total : list)),
      rounded: first.rounded,
    };
  }

  /** A reduction over axes that are left with an extent of 1. */
  pool(view: View, axes: readonly number[], kind: "globalAveragePool" | "globalMaxPool"): View {
    const list = axes.flatMap((axis) => view.axes[axis]!);
    if (list.some(isBatch)) throw new MixesImages();
    const left = view.axes.map((it, axis) => (axes.includes(axis) ? [] : it));
    if (list.length === 0) return { ...view, axes: left };
    const [rows, columns, channels] = view.places;
    const space = [...rows, ...columns];
    const fits = space.length === list.length && space.every((dim) => list.includes(dim));
    const rest = inValue(view.places.flat()).filter((dim) => !list.includes(dim));
    const laid = fits
      ? view
      : this.builder.arrange(view, [view.places.flat().filter((dim) => list.includes(dim)), [], rest]);
    const { name } = this.builder;
    const value = this.builder.emit({ kind, name, inputs: [laid.value] }, [1, 1, extentOf(fits ? channels : rest)]);
    return { value, places: [[], [], fits ? channels : rest], axes: left, type: view.type, rounded: undefined };
  }
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
