import { browserHost } from "../host/browser.js";
import { holdLock, webPort } from "../worker/handle/web.js";
import { serveQuantizing } from "../worker/serve-quantizing.js";

const host = {
  ...browserHost,
  loadTorch: () => import("../weights/torch.js"),
  loadForeign: () => import("../weights/foreign.js"),
  loadOwnPictures: () => import("../image/own.js"),
  // What arrives here is a copy of the caller's, or was made for this work.
  release: (image: unknown) => (image as Partial<ImageBitmap> | null)?.close?.(),
};

serveQuantizing(webPort(), host as Parameters<typeof serveQuantizing>[1], holdLock());
