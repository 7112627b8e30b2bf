// What graphs of plain convolutions do without: it is loaded where a graph has such a node.
export { cardOf } from "./card.js";
export { type BesideHost, readExternal } from "./external.js";
export { moreFolds as folds } from "./fold.js";
export { boundInputs } from "./inputs.js";
export { gemm } from "./linear.js";
export { arranged } from "./moves.js";
export { moreOperators as operators } from "./operators.js";
export { Expressions } from "./patterns.js";
export { combine, reshape, scaled, spread, viewOf } from "./tensors.js";
export { valuesOf } from "./values.js";
