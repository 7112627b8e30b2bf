import type { Classifier as ClassifierOf } from "./api.js";
import type { BrowserImage } from "./image/send-browser.js";

export type { BrowserImage } from "./image/send-browser.js";
export * from "./public.js";

/** A network that takes images. */
export type Classifier<Image = BrowserImage> = ClassifierOf<Image>;
