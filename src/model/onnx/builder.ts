import { UnsupportedModelError } from "../../errors.js";
import type { Op, ValueId, ValueShape, Vector } from "../../graph/network.js";
import { lazyVector } from "../../graph/vector.js";
import { MAX_OPERATIONS, MAX_VALUE_ELEMENTS } from "../../limits.js";
import { equal, type Places, type View } from "./views.js";

/** An operation without what the builder fills in. */
export type Unplaced = Op extends infer O ? (O extends Op ? Omit<O, "output"> : never) : never;

/** One that reads one value, without what that says. */
type OnOne = Op extends infer O
  ? O extends Op & { readonly inputs: readonly [ValueId] | readonly [ValueId, ...ValueId[]] }
    ? Omit<O, "name" | "inputs" | "output">
    : never
  : never;

export type Extents = readonly [height: number, width: number, channels: number];

/** A tensor on which a later one depends in a way that images one by one do not give. */
export class MixesImages extends Error {}

/** What moves a value's elements (`more/moves.ts`). */
export interface Moves {
  /** `builder`: a `Builder`. */
  arranged(builder: object, view: View, places: Places): View;
}

/** Makes the IR's operations and values. */
export class Builder {
  readonly values: ValueShape[] = [];
  readonly ops: Op[] = [];
  readonly #madeBy = new Map<ValueId, Op>();
  /** Moves of values that were made already. */
  readonly moved = new Map<string, ValueId>();
  /** Names are told apart by what they hold: one for each operation. */
  name = "";

  constructor(private readonly more: () => Moves) {}

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

  /** The view with its indices in these places, which are the same ones in another order. */
  arrange(view: View, places: Places): View {
    const isThere = places.every((list, axis) => equal(list, view.places[axis]!));
    return isThere ? view : this.more().arranged(this, view, places);
  }
}

/** A vector of known values. */
export const vectorOf = (values: Float64Array): Vector => lazyVector(values.length, 0, () => values);
