/** How a GPU is tried: loaded with the GPU path, since most pages never need it. */
export { calibrate } from "./calibrate.js";
export { verify } from "./verify.js";
