// Sound where the compiler says so (npm run types); nothing of it is run.
import type * as browser from "../../src/entry/index.js";
import type { Classifier } from "../../src/entry/node.js";

export const name = (classifier: Classifier) => classifier.classify("photo.jpg", { topK: 1 });
export const draw = (classifier: browser.Classifier, canvas: OffscreenCanvas) => classifier.classify([canvas]);
// @ts-expect-error: a page has no paths.
export const wrong = (classifier: browser.Classifier) => classifier.classify("photo.jpg");
