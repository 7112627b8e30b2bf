import { lowerIntegers, push } from "./lower.js";
import { integerForm } from "./pack.js";

/** What the lowering of other networks is given of the plain one's: bundlers part a chunk that a later one imports. */
export const plain = { lowerIntegers, push, integerForm };
export type Plain = typeof plain;
