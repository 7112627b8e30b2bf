import type { Network } from "../../src/graph/network.js";
import { readWeight } from "./read-weight.js";
import { SafetensorsFile } from "./safetensors-file.js";

/** A network's folded weights as a safetensors file of torchvision's names: what a user of the library would have. */
export function toSafetensors(network: Network): Uint8Array {
  const file = new SafetensorsFile();
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    if (op.kind !== "conv" && op.kind !== "linear") continue;
    const { name, weight, bias } = op;
    file.add(`${name}.weight`, "F32", weight.shape, () => readWeight(weight));
    if (bias) file.vector(`${name}.bias`, bias, () => bias.read());
  }
  return file.encode();
}
