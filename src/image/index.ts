export { type Pixels, toPixels } from "./pixels.js";
export { cropped, preprocess } from "./preprocess.js";
