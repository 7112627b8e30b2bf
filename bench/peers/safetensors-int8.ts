import type { Network } from "../../src/graph/network.js";
import { stepsOf, storedIn } from "../../src/graph/stored.js";
import type { Ranges } from "./calibrate.js";
import { int8Weights } from "./int8.js";
import { readWeight } from "./read-weight.js";
import { SafetensorsFile } from "./safetensors-file.js";

/**
 * A network as this library's quantised file: the first convolution in f32, all others and the linear layer in I8. Scales and
 * biases come first: a reader packs a layer as soon as its weights have come.
 */
export function toInt8Safetensors(network: Network, ranges: Ranges): Uint8Array {
  const file = new SafetensorsFile();
  const weights: (() => void)[] = [];
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    if (op.kind !== "conv" && op.kind !== "linear") continue;
    const { name, weight, bias } = op;
    if (op.inputs[0] === network.input) {
      weights.push(() => file.add(`${name}.weight`, "F32", weight.shape, () => readWeight(weight)));
    } else {
      const { values, scales } = int8Weights(weight);
      weights.push(() => file.add(`${name}.weight`, "I8", weight.shape, () => values));
      file.vector(`${name}.weight_scale`, scales, () => scales);
    }
    if (bias) file.vector(`${name}.bias`, bias, () => bias.read());
    if (op.kind === "linear") continue;
    const stored = storedIn(op, network);
    const { min, max } = ranges.values.get(stored.value)!;
    const [least, most] = stepsOf(stored.integers);
    const scale = Math.max(max / most, least < 0 ? min / least : 0) || 1;
    file.vector(`${name}.output_scale`, { length: 1 }, () => [scale]);
  }
  for (const add of weights) add();
  return file.encode({ "resnet-edge.quantization": "int8-1" });
}
