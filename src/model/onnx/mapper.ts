import type { UnsupportedModelError } from "../../errors.js";
import type { ActivationOp, BinaryOp, IntegerRows, Vector } from "../../graph/network.js";
import { Builder, MixesImages, type Moves, vectorOf } from "./builder.js";
import { type Constant, numbersOf, type Work, workOf } from "./constants.js";
import { NeedsMore } from "./needs-more.js";
import type { Node } from "./proto.js";
import { bad, refused } from "./shapes.js";
import { type Dim, dims, equal, extentOf, inValue, isBatch, joined, shapeOf, type View } from "./views.js";

export type Value = View | Constant;

export const isView = (value: Value): value is View => "places" in value;

export type Operator = (it: Mapper, node: Node) => View | readonly View[];

/** What few graphs need (`more/`). */
interface Rest extends Moves {
  readonly operators: Readonly<Record<string, Operator>>;
  readonly gemm: Operator;
  readonly scalesOf: ScalesOf;
  combine(it: Mapper, name: BinaryOp["function"], one: Value, other: Value): View;
  reshape(it: Mapper, view: View, shape: readonly number[]): View;
  scaled(it: Mapper, view: View, scale: number, shift: number): View;
  spread(values: Float64Array, over: readonly Dim[], wanted: readonly Dim[]): Float64Array;
  viewOf(it: Mapper, constant: Constant, near: View): View;
  concat(it: Mapper, parts: readonly Value[], axis: number): View;
  product(it: Mapper, one: Value, other: Value): View;
  sliced(it: Mapper, view: View, axis: number, begin: number, step: number, count: number): View;
  dequantized(node: Node, x: Constant, scales: Constant, zeros: Constant | undefined, work: Work): Constant;
}

/** A node's scales and zero points, and the axis that they are along. */
type ScalesOf = (
  node: Node,
  of: Pick<Constant, "shape">,
  scales: Constant,
  zeros: Constant | undefined,
  work: Work,
) => { readonly scale: Float64Array; readonly zero: Float64Array; readonly axis: number };

/** What is known of each tensor of the graph while its nodes are mapped, and what every operator asks for. */
export class Mapper {
  readonly builder = new Builder(() => this.more);
  readonly constants: Map<string, Constant>;
  readonly views = new Map<string, View>();
  readonly makers = new Map<string, Node>();
  readonly work;
  /** The one that is being mapped. */
  node!: Node;
  /** Where integers are to be kept: those of weights that have some. */
  rows: ((constant: Constant) => IntegerRows | undefined) | undefined;

  constructor(
    private readonly loaded: Rest | null,
    initializers: ReadonlyMap<string, Constant>,
  ) {
    this.constants = new Map(initializers);
    // Tensors may lie in one place.
    const files = new Set([...initializers.values()].map(({ bytes }) => bytes.buffer));
    this.work = workOf([...files].reduce((sum, { byteLength }) => sum + byteLength, 0));
  }

  /** What few graphs need. Throws `NeedsMore` where it was not loaded. */
  get more(): Rest {
    if (!this.loaded) throw new NeedsMore();
    return this.loaded;
  }

  refuse(why: string): UnsupportedModelError {
    return refused(this.node, why);
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

  /** An input that is computed from the picture, as it stands: of integers, it may hold what they stand for. */
  stored(index = 0): View {
    const found = this.given(index);
    if (!found) throw bad(this.node, `lacks input ${index}`);
    if (!isView(found)) throw this.refuse(`its input ${index} is a constant, and another one is not`);
    return found;
  }

  /** As `stored`; of integers, themselves. */
  view(index = 0): View {
    return this.whole(this.stored(index));
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
    return rounded ? this.more.scaled(this, view, 1 / rounded.scale, rounded.zero) : view;
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
    return joined(view, shape) ?? this.more.reshape(this, view, shape);
  }

  /** one (function) other, by ONNX's broadcasting, as real numbers. */
  combine(name: BinaryOp["function"], one: Value, other: Value): View {
    if (name !== "add" || !isView(one) || !isView(other) || !alike(one, other))
      return this.more.combine(this, name, one, other);
    const op = { kind: "add", name: this.builder.name, inputs: [one.value, other.value], relu: false } as const;
    return { ...one, value: this.builder.emit(op, this.builder.extents(one.value)) };
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
    return vectorOf(equal(over, channels) ? values : this.more.spread(values, over, channels));
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

/** Whether two values have the same extents, each of whose axes is one of the tensor's, the same in both. */
function alike(one: View, other: View): boolean {
  const places = ({ axes, places }: View) =>
    places.map((list) => (list.length < 2 ? axes.findIndex((axis) => axis.length === 1 && axis[0] === list[0]) : -2));
  const isBare = ({ axes }: View) => axes.every((axis) => axis.length < 2);
  return (
    one.value !== other.value &&
    isBare(one) &&
    isBare(other) &&
    shapeOf(one).join() === shapeOf(other).join() &&
    !places(one).includes(-2) &&
    places(one).join() === places(other).join()
  );
}
