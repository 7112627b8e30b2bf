import { OptionError } from "../errors.js";
import type { Network, ValueShape } from "../graph/network.js";

/** The place of a stage among the network's. Throws `OptionError`, with the names that there are, for one that it does not have. */
export function stageNamed({ stages }: Network, name: unknown): number {
  const at = stages.findIndex((stage) => stage.name === name);
  if (at >= 0) return at;
  const names = stages.map((stage) => stage.name).join(", ");
  throw new OptionError(`There is no stage "${String(name).slice(0, 40)}"; this network's are ${names}.`);
}

/** An activation as it crosses the seam, NHWC with or without padding, as planes [C, H, W], written to `target` from `offset`. */
export function toPlanes(values: Float32Array, shape: ValueShape, target: Float32Array, offset = 0): void {
  const { height, width, channels } = shape;
  const pixels = height * width;
  const step = values.length / pixels;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      target[offset + channel * pixels + pixel] = values[pixel * step + channel]!;
    }
  }
}
