import { nodePort } from "../worker/handle/node.js";
import { serveRoof } from "./roof-thread.js";

serveRoof(nodePort());
