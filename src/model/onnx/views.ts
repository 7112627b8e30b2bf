import type { ValueId } from "../../graph/network.js";

/** A part of a tensor's axis, above 1. Told by identity: the same one in two places is the same index. */
export interface Dim {
  readonly extent: number;
}

/** The images of a batch, which are run one by one. It is in no value. */
export interface Batch extends Dim {
  readonly isBatch: true;
}

export const isBatch = (dim: Dim): dim is Batch => "isBatch" in dim;

/** Rows, columns and channels of a value, each an index made of several, the slowest first. */
export type Places = readonly [height: readonly Dim[], width: readonly Dim[], channels: readonly Dim[]];

/**
 * A tensor of the ONNX graph as a value of the IR: each of its axes is an index made of several, the slowest first, and so is each axis of
 * the value. Transpose, Squeeze and most of Reshape change `axes` alone. An extent of 1 is an empty list.
 */
export interface View {
  readonly value: ValueId;
  readonly places: Places;
  readonly axes: readonly (readonly Dim[])[];
  /** ONNX's type of element. */
  readonly type: number;
  /** Of integers: the value holds `(q - zero) * scale`, already rounded. */
  readonly rounded?: { readonly scale: number; readonly zero: number } | undefined;
}

export const extentOf = (dims: readonly Dim[]): number => dims.reduce((product, { extent }) => product * extent, 1);

export const shapeOf = ({ axes }: Pick<View, "axes">): number[] => axes.map(extentOf);

export const equal = (one: readonly Dim[], other: readonly Dim[]): boolean =>
  one.length === other.length && one.every((dim, index) => dim === other[index]);

export const dims = (extent: number): Dim[] => (extent === 1 ? [] : [{ extent }]);

/** Indices without the batch's. */
export const inValue = (list: readonly Dim[]): Dim[] => list.filter((dim) => !isBatch(dim));

/** Axes under another shape of the same count, each of whole indices; null where one would have to be split. */
export function joined(view: View, shape: readonly number[]): View | null {
  const all = view.axes.flat();
  const axes = shape.map((extent) => {
    const axis: Dim[] = [];
    while (all[0] && extentOf(axis) < extent) axis.push(all.shift()!);
    return axis;
  });
  return axes.every((axis, at) => extentOf(axis) === shape[at]) ? { ...view, axes } : null;
}
