// What graphs of plain convolutions do without: it is loaded where a graph has such a node.
export { cardOf } from "./card.js";
export { type BesideHost, readExternal } from "./external.js";
export { dequantized, moreFolds as folds, scalesOf } from "./fold.js";
export { boundInputs } from "./inputs.js";
export { gemm } from "./linear.js";
export { arranged } from "./moves.js";
export { needed } from "./needed.js";
export { moreOperators as operators } from "./operators.js";
export { Expressions } from "./patterns.js";
export { product } from "./product.js";
export { combine, concat, reshape, scaled, sliced, spread, viewOf } from "./tensors.js";
export { valuesOf } from "./values.js";
