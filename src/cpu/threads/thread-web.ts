import { webPort } from "../../worker/handle/web.js";
import { serveThread } from "./thread.js";

serveThread(webPort());
