// What files of integers need that this library writes: loaded where there is one.
export { IntegerParameters } from "./parameters.js";
export { withIntegers } from "./rounded.js";
export { scalesArrived, takeScales } from "./scales.js";
