import { sendBrowserImage } from "../image/send-browser.js";
import { beside } from "../worker/handle/start-web.js";
import type { EntryHost } from "./entry-host.js";

/** What a page does for a session in a worker. */
export const pageSide: Pick<EntryHost, "absolute" | "sendImage"> = {
  absolute: (address) => new Request(address).url,
  sendImage: sendBrowserImage,
};

/**
 * The bundled model. A function: nothing is looked for at import. Bundlers may give the file another name; the fragment still says that
 * it is of integers.
 */
export const bundledModel = () =>
  `${beside(import.meta.url, () => new URL("./cifar110-resnet20x2.int8.safetensors", import.meta.url))}#int8`;
