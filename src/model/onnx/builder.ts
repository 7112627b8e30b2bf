import { UnsupportedModelError } from "../../errors.js";
import type { Op, PerAxis, ValueId, ValueShape, Vector } from "../../graph/network.js";
import { lazyVector } from "../../graph/vector.js";
import { MAX_OPERATIONS, MAX_VALUE_ELEMENTS } from "../../limits.js";
import { type Dim, equal, extentOf, inValue, type Places, substitute, type View } from "./views.js";

/** An operation without what the builder fills in. */
type Unplaced = Op extends infer O ? (O extends Op ? Omit<O, "output"> : never) : never;

/** One that reads one value, without what that says. */
type OnOne = Op extends infer O
  ? O extends Op & { readonly inputs: readonly [ValueId] | readonly [ValueId, ...ValueId[]] }
    ? Omit<O, "name" | "inputs" | "output">
    : never
  : never;

type Extents = readonly [height: number, width: number, channels: number];

/** A tensor on which a later one depends in a way that images one by one do not give. */
export class MixesImages extends Error {}

/** Makes the IR's operations and values, and moves values' indices where an operation needs them elsewhere. */
export class Builder {
  readonly values: ValueShape[] = [];
  readonly ops: Op[] = [];
  readonly #madeBy = new Map<ValueId, Op>();
  readonly #moved = new Map<string, ValueId>();
  /** Names are told apart by what they hold: one for each operation. */
  name = "";

  value([height, width, channels]: Extents): ValueId {
    if (height * width * channels > MAX_VALUE_ELEMENTS || this.ops.length > MAX_OPERATIONS) {
      throw new UnsupportedModelError(
        `"${this.name}" makes a value of ${height} x ${width} x ${channels} after ${this.ops.length} operations; at most ${MAX_VALUE_ELEMENTS} elements and ${MAX_OPERATIONS} operations are supported.`,
      );
    }
    return this.values.push({ height, width, channels }) - 1;
  }

  made(value: ValueId): Op | undefined {
    return this.#madeBy.get(value);
  }

  extents(value: ValueId): Extents {
    const { height, width, channels } = this.values[value]!;
    return [height, width, channels];
  }

  /** As `emit`, once for the same move of the same value. */
  private moved(op: Unplaced, extents: Extents): ValueId {
    const key = JSON.stringify([{ ...op, name: "" }, extents]);
    const found = this.#moved.get(key) ?? this.emit(op, extents);
    this.#moved.set(key, found);
    return found;
  }

  emit(op: Unplaced, extents: Extents): ValueId {
    const output = this.value(extents);
    const placed = { ...op, output } as Op;
    this.ops.push(placed);
    this.#madeBy.set(output, placed);
    return output;
  }

  /** An operation on one value that keeps its shape. */
  on(view: View, op: OnOne): View {
    const unplaced = { name: this.name, inputs: [view.value], ...op } as Unplaced;
    return { ...view, value: this.emit(unplaced, this.extents(view.value)), rounded: undefined };
  }

  /** value * scale + shift, by channel; joined with the same before it. */
  affine(view: View, scale: Vector, shift: Vector): View {
    const before = this.made(view.value);
    if (before?.kind !== "batchNorm" || before.relu || before.statistics) {
      return this.on(view, { kind: "batchNorm", scale, shift, relu: false });
    }
    const { length } = scale;
    const both = {
      ...before,
      name: this.name,
      scale: lazyVector(length, 0, () => {
        const scales = scale.read();
        return before.scale.read().map((value, c) => value * scales[c]!);
      }),
      shift: lazyVector(length, 0, () => {
        const [scales, shifts] = [scale.read(), shift.read()];
        return before.shift.read().map((value, c) => value * scales[c]! + shifts[c]!);
      }),
    };
    return { ...view, value: this.emit(both, this.extents(view.value)), rounded: undefined };
  }

  reshape(value: ValueId, extents: Extents): ValueId {
    const from = this.extents(value);
    if (from.join() === extents.join()) return value;
    const before = this.made(value);
    if (before?.kind === "reshape") return this.reshape(before.inputs[0], extents);
    return this.moved({ kind: "reshape", name: this.name, inputs: [value] }, extents);
  }

  transpose(value: ValueId, order: PerAxis): ValueId {
    const from = this.extents(value);
    const extents: Extents = [from[order[0]]!, from[order[1]]!, from[order[2]]!];
    return this.moved({ kind: "transpose", name: this.name, inputs: [value], order }, extents);
  }

  /** The view with its indices in these places, which are the same ones in another order. */
  arrange(view: View, places: Places): View {
    if (places.every((list, axis) => equal(list, view.places[axis]!))) return view;
    const value = this.#move(view, places);
    const [height, width, channels] = places.map(extentOf) as [number, number, number];
    return { ...view, value: this.reshape(value, [height, width, channels]), places };
  }

  #move(view: View, places: Places): ValueId {
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
        return this.moved(
          { kind: "shuffleChannels", name: this.name, inputs: [view.value], groups },
          this.extents(view.value),
        );
      }
    }
    const filled = places.every((list, axis) => list.length === 0 || sources[axis]! >= 0);
    if (filled) {
      // Axes of 1 go where they find room.
      const free = [0, 1, 2].filter((axis) => !sources.includes(axis));
      const axes = sources.map((axis) => (axis < 0 ? free.shift()! : axis));
      return this.transpose(view.value, axes as unknown as PerAxis);
    }
    return this.#permute(view.value, order, wanted);
  }

  /** Any order, by as many transposes as it takes: at most two for each index. */
  #permute(from: ValueId, before: readonly Dim[], wanted: readonly Dim[]): ValueId {
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
      if (h === 1) value = this.transpose(this.reshape(value, [b, r, s]), [1, 0, 2]);
      else if (s === 1) value = this.transpose(this.reshape(value, [h, b, r]), [0, 2, 1]);
      else {
        value = this.transpose(this.reshape(value, [h, b, r * s]), [1, 0, 2]);
        value = this.transpose(this.reshape(value, [b, h * r, s]), [1, 0, 2]);
      }
      order = [...head, ...run, ...block, ...rest];
      at = end - block.length;
    }
    return value;
  }

  /** The view with the indices of one axis in one, which lies alone in the value's channels. */
  merged(view: View, axis: number): View {
    const list = inValue(view.axes[axis]!);
    const rest = view.places.flat().filter((dim) => !list.includes(dim));
    if (list.length < 2) return view;
    const arranged = this.arrange(view, [rest, [], list]);
    const one: Dim = { extent: extentOf(list) };
    const [first, ...others] = list as [Dim, ...Dim[]];
    const whole = substitute(arranged, first, [one]);
    return others.reduce((it, dim) => substitute(it, dim, []), whole);
  }
}

/** A vector of known values. */
export const vectorOf = (values: Float64Array): Vector => lazyVector(values.length, 0, () => values);
