export { type Pixels, toPixels } from "./pixels.js";
export { cropped, normalised, preprocess } from "./preprocess.js";
