// The module of pixels: what pictures go through before a network sees them.
export { toRgb } from "./planes";
export { horizontally, vertically } from "./resize";
export { scatter } from "./turn";
