import { webPort } from "../worker/handle/web.js";
import { serveRoof } from "./roof-thread.js";

serveRoof(webPort());
