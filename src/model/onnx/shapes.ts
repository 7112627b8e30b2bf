import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import { elementCount } from "../../graph/tensor.js";
import type { Node } from "./proto.js";

// What ONNX says of axes and extents, for constants and for values alike.

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number, node: Node): number {
  const found = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(found) && found >= 0 && found < Math.max(rank, 1)) return found;
  throw bad(node, `has the axis ${axis} of a tensor with ${rank}`);
}

const first = (node: Node) => `${node}`.replace(/^n/, "N");

export function bad(node: Node, what: string): ModelFormatError {
  return new ModelFormatError(`${first(node)} ${what}: the ONNX file is damaged.`);
}

export function refused(node: Node, why: string): UnsupportedModelError {
  return new UnsupportedModelError(`${first(node)}: ${why}.`);
}

/** `Reshape`'s shape: 0 copies an extent unless the node allows zeros, one -1 takes what is left. */
export function reshapedShape(node: Node, from: readonly number[], wanted: readonly number[]): number[] {
  const allowZero = node.integer("allowzero", 0) === 1;
  const shape = wanted.map((extent, axis) => (extent === 0 && !allowZero ? (from[axis] ?? 0) : extent));
  const open = shape.indexOf(-1);
  const count = elementCount(from);
  if (open >= 0) shape[open] = count / elementCount(shape.filter((_, axis) => axis !== open));
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0) || elementCount(shape) !== count) {
    throw bad(node, `reshapes [${from}] to [${wanted}]`);
  }
  return shape;
}

export function flattened(node: Node, shape: readonly number[]): number[] {
  const axis = node.integer("axis", 1);
  const cut = axis === shape.length ? axis : axisOf(axis, shape.length, node);
  return [elementCount(shape.slice(0, cut)), elementCount(shape.slice(cut))];
}
