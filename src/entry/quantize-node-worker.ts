import { nodeHost } from "../host/node.js";
import { nodePort } from "../worker/handle/node.js";
import { serveQuantizing } from "../worker/serve-quantizing.js";

serveQuantizing(nodePort(), nodeHost);
