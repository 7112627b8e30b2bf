import { browserHost } from "../host/browser.js";
import type { Host } from "../host/host.js";
import { later } from "../host/later.js";
import { holdLock, webPort } from "../worker/handle/web.js";
import { serveSession } from "../worker/serve.js";

const host: Host = {
  ...browserHost,
  threadSupport: { ...browserHost.threadSupport, endsNext: true },
  ...later,
  // What arrives here is a copy of the caller's, or was made for this one request.
  release: (image) => (image as Partial<ImageBitmap> | null)?.close?.(),
};

serveSession(webPort(), host, holdLock());
