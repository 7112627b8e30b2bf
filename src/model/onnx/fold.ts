import { type Beside, type Constant, computed, numbersOf, readTensor, type Work } from "./constants.js";
import { type Node, Type } from "./proto.js";
import { bad } from "./shapes.js";

export type Inputs = readonly (Constant | undefined)[];

/**
 * A node's outputs, all of whose inputs are known. Throws `ModelFormatError` for extents that cannot be, and beyond the bound on elements.
 */
export type Fold = (node: Node, inputs: Inputs, work: Work, beside: Beside) => Constant[];

export const listOf = (constant: Constant | undefined, work: Work) =>
  constant ? [...numbersOf(constant, work)] : undefined;

/** Axes that a node states as an attribute or, in later versions, as an input. */
export function axesOf(node: Node, input: Constant | undefined, work: Work): number[] | null {
  return listOf(input, work) ?? node.integers("axes");
}

const same: Fold = (_, [x]) => [x!];

/** What is computed of constants in networks of plain convolutions. The others are in `more/`. */
export const folds: Readonly<Record<string, Fold>> = {
  Constant(node, _, __, beside) {
    const value = node.tensor("value");
    if (value) return [readTensor(value, beside, node.outputs[0])];
    const list = node.floats("value_floats") ?? node.integers("value_ints");
    const type = node.has("value_int") || node.has("value_ints") ? Type.i64 : Type.float;
    if (list) return [computed(Float64Array.from(list), [list.length], type)];
    if (!node.has("value_float") && !node.has("value_int")) throw bad(node, "has no numbers as its value");
    return [computed(Float64Array.of(node.integer("value_int", node.float("value_float", 0))), [], type)];
  },
  Identity: same,
  Dropout: same,
};

export function clipBounds(node: Node, [, least, most]: Inputs, work: Work): readonly [number, number] {
  const bound = (input: Constant | undefined, attribute: string, otherwise: number) =>
    listOf(input, work)?.[0] ?? node.float(attribute, otherwise);
  return [bound(least, "min", Number.NEGATIVE_INFINITY), bound(most, "max", Number.POSITIVE_INFINITY)];
}
