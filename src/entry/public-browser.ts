import type { BrowserImage } from "../image/kinds.js";
import type { Classifier as ClassifierOf } from "./model.js";

export type { BrowserImage } from "../image/kinds.js";
export { preprocess } from "./prepare.js";
export * from "./public.js";

/** A network that takes images. */
export type Classifier<Image = BrowserImage> = ClassifierOf<Image>;
