import { nodeHost } from "../../src/host/node.js";
import type { Body, Seekable } from "../../src/source/body.js";
import * as weights from "../../src/weights/index.js";

/** A weights file, with the readers that Node has. */
export const readWeights = (bytes: Uint8Array, origin: string) => weights.readWeights(bytes, origin, nodeHost);

/** The same of a file that is on its way. */
export const openWeights = (body: Body | Seekable) => weights.openWeights(body, nodeHost);
