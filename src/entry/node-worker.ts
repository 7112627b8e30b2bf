import { nodeHost } from "../host/node.js";
import { nodePort } from "../worker/handle/node.js";
import { serveSession } from "../worker/serve.js";

serveSession(nodePort(), nodeHost);
