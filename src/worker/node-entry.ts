import { nodeHost } from "../host-node.js";
import { nodePort } from "./node.js";
import { serveSession } from "./serve.js";

serveSession(nodePort(), nodeHost);
