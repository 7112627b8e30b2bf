import { ModelFormatError } from "../../errors.js";
import type { Network, Op } from "../../graph/network.js";
import { inFloat, withScales } from "../../graph/quantization.js";
import type { Scales } from "./scales.js";

/** The network with the file's values rounded, or in float; throws where a scale is of no convolution. */
export function withIntegers(
  network: Network,
  { outputs }: Scales,
  integers: boolean | undefined,
  scaled = withScales,
): Network {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const convolutions = new Set(ops.filter((op: Op) => op.kind === "conv").map(({ name }) => name));
  for (const layer of outputs.keys()) {
    if (!convolutions.has(layer)) {
      throw new ModelFormatError(`The file has ${layer}.output_scale, but ${layer} is no convolution of its network.`);
    }
  }
  const whole = scaled(network, ({ name }) => outputs.get(name) ?? null);
  return integers ? whole : inFloat(whole);
}
