import { browserHost } from "../host/browser.js";
import { open } from "../image/fast-browser.js";
import { serveFrames } from "../watch/serve-frames.js";
import { webPort } from "../worker/handle/web.js";

serveFrames(webPort(), open({ ...browserHost, loadOwnPictures: () => import("../image/own.js") }));
