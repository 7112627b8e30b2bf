// What graphs of integers need: it is loaded where a node says so.
export { quantizedOperators as operators } from "./operators.js";
export { rounded } from "./rounded.js";
export { rowsOf } from "./rows.js";
