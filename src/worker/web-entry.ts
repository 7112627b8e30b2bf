import { browserHost } from "../host-browser.js";
import { serveSession } from "./serve.js";
import { webPort } from "./web.js";

serveSession(webPort(), {
  ...browserHost,
  // What arrives here is a copy of the caller's, or was made for this one request.
  async decode(image, signal) {
    try {
      return await browserHost.decode(image, signal);
    } finally {
      (image as Partial<ImageBitmap>).close?.();
    }
  },
});
