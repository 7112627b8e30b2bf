import { webPort } from "../worker/web.js";
import { serveThread } from "./thread.js";

serveThread(webPort());
