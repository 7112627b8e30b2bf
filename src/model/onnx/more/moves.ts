import type { PerAxis, ValueId, Vector } from "../../../graph/network.js";
import { lazyVector } from "../../../graph/vector.js";
import type { Builder, Extents, Unplaced } from "../builder.js";
import { type Dim, equal, extentOf, inValue, type Places, type View } from "../views.js";
import { substitute } from "./views.js";

// Operations that move a value's elements, or scale them.

/** As `emit`, once for the same move of the same value. */
function moved(builder: Builder, op: Unplaced, extents: Extents): ValueId {
  const key = JSON.stringify([{ ...op, name: "" }, extents]);
  const found = builder.moved.get(key) ?? builder.emit(op, extents);
  builder.moved.set(key, found);
  return found;
}

/** value * scale + shift, by channel; joined with the same before it. */
export function affine(builder: Builder, view: View, scale: Vector, shift: Vector): View {
  const before = builder.made(view.value);
  if (before?.kind !== "batchNorm" || before.relu || before.statistics) {
    return builder.on(view, { kind: "batchNorm", scale, shift, relu: false });
  }
  const { length } = scale;
  const both = {
    ...before,
    name: builder.name,
    scale: lazyVector(length, 0, () => {
      const scales = scale.read();
      return before.scale.read().map((value, c) => value * scales[c]!);
    }),
    shift: lazyVector(length, 0, () => {
      const [scales, shifts] = [scale.read(), shift.read()];
      return before.shift.read().map((value, c) => value * scales[c]! + shifts[c]!);
    }),
  };
  return { ...view, value: builder.emit(both, builder.extents(view.value)), rounded: undefined };
}

export function reshaped(builder: Builder, value: ValueId, extents: Extents): ValueId {
  const from = builder.extents(value);
  if (from.join() === extents.join()) return value;
  const before = builder.made(value);
  if (before?.kind === "reshape") return reshaped(builder, before.inputs[0], extents);
  return moved(builder, { kind: "reshape", name: builder.name, inputs: [value] }, extents);
}

function transpose(builder: Builder, value: ValueId, order: PerAxis): ValueId {
  const from = builder.extents(value);
  const extents: Extents = [from[order[0]]!, from[order[1]]!, from[order[2]]!];
  return moved(builder, { kind: "transpose", name: builder.name, inputs: [value], order }, extents);
}

/** As `Builder.arrange`, where there is something to move. */
export function arranged(of: object, view: View, places: Places): View {
  const builder = of as Builder;
  const value = move(builder, view, places);
  const [height, width, channels] = places.map(extentOf) as [number, number, number];
  return { ...view, value: reshaped(builder, value, [height, width, channels]), places };
}

function move(builder: Builder, view: View, places: Places): ValueId {
  const order = view.places.flat();
  const wanted = places.flat();
  if (equal(order, wanted)) return view.value;
  const sources = places.map((list) => view.places.findIndex((it) => it.length > 0 && equal(it, list)));
  const [rows, columns, channels] = view.places;
  if (equal(rows, places[0]) && equal(columns, places[1])) {
    // Of two indices in turn: a shuffle.
    const cut = channels.findIndex((_, at) => equal([...channels.slice(at), ...channels.slice(0, at)], places[2]));
    if (cut > 0) {
      const groups = extentOf(channels.slice(0, cut));
      return moved(
        builder,
        { kind: "shuffleChannels", name: builder.name, inputs: [view.value], groups },
        builder.extents(view.value),
      );
    }
  }
  const filled = places.every((list, axis) => list.length === 0 || sources[axis]! >= 0);
  if (filled) {
    // Axes of 1 go where they find room.
    const free = [0, 1, 2].filter((axis) => !sources.includes(axis));
    const axes = sources.map((axis) => (axis < 0 ? free.shift()! : axis));
    return transpose(builder, view.value, axes as unknown as PerAxis);
  }
  return permute(builder, view.value, order, wanted);
}

/** Any order, by as many transposes as it takes: at most two for each index. */
function permute(builder: Builder, from: ValueId, before: readonly Dim[], wanted: readonly Dim[]): ValueId {
  let [value, order] = [from, [...before]];
  for (let at = 0; at < order.length; ) {
    if (order[at] === wanted[at]) {
      at++;
      continue;
    }
    const found = order.indexOf(wanted[at]!);
    let end = found + 1;
    while (end < order.length && order[end] === wanted[at + end - found]) end++;
    const [head, block, run, rest] = [
      order.slice(0, at),
      order.slice(at, found),
      order.slice(found, end),
      order.slice(end),
    ];
    const [h, b, r, s] = [head, block, run, rest].map(extentOf) as [number, number, number, number];
    if (h === 1) value = transpose(builder, reshaped(builder, value, [b, r, s]), [1, 0, 2]);
    else if (s === 1) value = transpose(builder, reshaped(builder, value, [h, b, r]), [0, 2, 1]);
    else {
      value = transpose(builder, reshaped(builder, value, [h, b, r * s]), [1, 0, 2]);
      value = transpose(builder, reshaped(builder, value, [b, h * r, s]), [1, 0, 2]);
    }
    order = [...head, ...run, ...block, ...rest];
    at = end - block.length;
  }
  return value;
}

/** The view with the indices of one axis in one, which lies alone in the value's channels. */
export function merged(builder: Builder, view: View, axis: number): View {
  const list = inValue(view.axes[axis]!);
  const rest = view.places.flat().filter((dim) => !list.includes(dim));
  if (list.length < 2) return view;
  const arranged = builder.arrange(view, [rest, [], list]);
  const one: Dim = { extent: extentOf(list) };
  const [first, ...others] = list as [Dim, ...Dim[]];
  const whole = substitute(arranged, first, [one]);
  return others.reduce((it, dim) => substitute(it, dim, []), whole);
}
