import { ModelFormatError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { readRegular } from "../host/regular-file.js";
import { MAX_MODEL_BYTES } from "../limits.js";
import { buildNetwork, wellKnownNames } from "../model/index.js";
import { readWeights } from "../weights/index.js";
import type { Checkpoint } from "./catalogue.js";

/** Parameters are stated in tenths of a million, or to the digit. */
const ABOUT = 60_000;

/** Throws unless a file is a whole, readable checkpoint of the network that an entry names. */
export async function verifyCheckpoint(file: string, { name, parameters }: Checkpoint): Promise<void> {
  const bytes = await readRegular(file, MAX_MODEL_BYTES);
  const network = buildNetwork(await readWeights(bytes, "the file", nodeHost));
  const base = name.replace(/^timm\/|\..*$/g, "");
  const found = network.architecture.name;
  const named = !wellKnownNames.includes(base) || found === base;
  if (named && Math.abs(network.parameters - parameters) <= ABOUT) return;
  throw new ModelFormatError(`it holds a ${found} of ${network.parameters} parameters, not ${name} of ${parameters}.`);
}
