import { nodePort } from "../worker/node.js";
import { serveThread } from "./thread.js";

serveThread(nodePort());
