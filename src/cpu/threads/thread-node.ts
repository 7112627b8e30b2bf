import { nodePort } from "../../worker/handle/node.js";
import { serveThread } from "./thread.js";

serveThread(nodePort());
