import type { BrowserImage } from "../image/send-browser.js";
import type { Classifier as ClassifierOf } from "./api.js";

export type { BrowserImage } from "../image/send-browser.js";
export * from "./public.js";

/** A network that takes images. */
export type Classifier<Image = BrowserImage> = ClassifierOf<Image>;
