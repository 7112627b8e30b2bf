import type { Node } from "../proto.js";
import { axisOf, bad } from "../shapes.js";

export function squeezed(node: Node, shape: readonly number[], axes: readonly number[] | null): number[] {
  const dropped = axes?.map((axis) => axisOf(axis, shape.length, node));
  if (dropped?.some((axis) => shape[axis] !== 1)) throw bad(node, `drops an axis of [${shape}] that is not 1`);
  return shape.filter((extent, axis) => (dropped ? !dropped.includes(axis) : extent !== 1));
}

export function unsqueezed(node: Node, shape: readonly number[], axes: readonly number[] | null): number[] {
  const rank = shape.length + (axes?.length ?? 0);
  const added = new Set(axes?.map((axis) => axisOf(axis, rank, node)));
  if (shape.length + added.size !== rank) throw bad(node, "adds an axis twice");
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
}

/** NumPy's broadcasting of two shapes; null where they do not fit. */
export function broadcast(one: readonly number[], other: readonly number[]): number[] | null {
  const rank = Math.max(one.length, other.length);
  const at = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [a, b] = [at(one, axis), at(other, axis)];
    return a === 1 ? b : b === 1 || a === b ? a : -1;
  });
  return shape.includes(-1) ? null : shape;
}
