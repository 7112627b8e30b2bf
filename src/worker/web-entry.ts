import type { Host } from "../host.js";
import { browserHost } from "../host-browser.js";
import { serveSession } from "./serve.js";
import { holdLock, webPort } from "./web.js";

const host: Host = {
  ...browserHost,
  threadSupport: { ...browserHost.threadSupport, endsNext: true },
  loadGpu: () => import("../gpu/index.js"),
  loadCheck: () => import("../check/index.js"),
  loadTorch: () => import("../weights/torch.js"),
  loadUnusual: () => import("../model/unusual/index.js"),
  loadOwnPictures: () => import("../image/own.js"),
  // What arrives here is a copy of the caller's, or was made for this one request.
  release: (image) => (image as Partial<ImageBitmap> | null)?.close?.(),
};

serveSession(webPort(), host, holdLock());
