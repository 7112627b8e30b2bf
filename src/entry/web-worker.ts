import { browserHost } from "../host/browser.js";
import type { Host } from "../host/host.js";
import { later } from "../host/later.js";
import { holdLock, webPort } from "../worker/handle/web.js";
import type { News } from "../worker/messages.js";
import { serveSession } from "../worker/serve.js";

const port = webPort();
const { threadSupport } = browserHost;
const host: Host = {
  ...browserHost,
  threadSupport: {
    ...threadSupport,
    start() {
      port.post({ hello: true, starting: true } satisfies News);
      // The page ends this worker where no hello follows: a start that throws has one, too.
      try {
        return threadSupport.start();
      } finally {
        port.post({ hello: true } satisfies News);
      }
    },
    endsNext: true,
  },
  ...later,
  // What arrives here is a copy of the caller's, or was made for this one request.
  release: (image) => (image as Partial<ImageBitmap> | null)?.close?.(),
};

serveSession(port, host, holdLock());
