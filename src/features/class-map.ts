import type { Range } from "../engine.js";
import { OptionError } from "../errors.js";
import type { LinearOp, Network } from "../graph/network.js";
import { paddedChannels } from "../graph/tensor.js";
import type { Within } from "./asked.js";

/** A class's row of the last layer: `logit = weights . features + bias`. */
export interface Row {
  readonly weights: Float32Array;
  readonly bias: number;
}

/** The linear layer of a head that is a global average pool and that layer alone; else null: a map would not be exact. */
export function linearOf({ stages }: Network): LinearOp | null {
  const [pool, linear, ...rest] = stages.at(-1)!.ops;
  if (stages.length < 2 || rest.length > 0 || pool?.kind !== "globalAveragePool" || linear?.kind !== "linear")
    return null;
  return linear.relu ? null : linear;
}

export interface Layer {
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/** Of integer networks, the layer as the kernels compute it: asked for once. */
const probed = new WeakMap<Network, Promise<Layer>>();

/** The last layer's weights, [classes * features], and its biases, [classes]. */
export async function layerOf(within: Within, linear: LinearOp): Promise<Layer> {
  if (!linear.weight.int8) {
    const [classes, features] = linear.weight.shape as [number, number];
    const weights = new Float32Array(classes * features);
    linear.weight.read(0, classes, weights);
    return { weights, biases: Float32Array.from(linear.bias?.read() ?? new Float64Array(classes)) };
  }
  let known = probed.get(within.network);
  if (!known) {
    known = probe(within);
    probed.set(within.network, known);
    known.catch(() => probed.delete(within.network));
  }
  return known;
}

/** The row of logit `index`. */
export async function rowOf(within: Within, linear: LinearOp, index: number): Promise<Row> {
  const [, features] = linear.weight.shape as [number, number];
  if (!linear.weight.int8) {
    const weights = new Float32Array(features);
    linear.weight.read(index, index + 1, weights);
    return { weights, bias: linear.bias?.read()[index] ?? 0 };
  }
  const { weights, biases } = await layerOf(within, linear);
  return { weights: weights.subarray(index * features, (index + 1) * features), bias: biases[index]! };
}

/** Integer weights lie packed, and their file may be gone: the head itself is asked what each channel adds. */
async function probe({ network, run }: Within): Promise<Layer> {
  const last = network.stages.length - 1;
  const head: Range = { first: last, last };
  const { height, width, channels, quantization } = network.values[network.stages[last]!.input]!;
  const step = paddedChannels(channels);
  // The same in every pixel, and the largest that there is: neither the pool nor the conversion rounds it.
  const value = 127 * (quantization?.scale ?? 1);
  const input = new Float32Array(height * width * step);
  const biases = await run(input, head);
  const weights = new Float32Array(biases.length * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = channel; at < input.length; at += step) input[at] = value;
    const logits = await run(input, head);
    for (const [index, logit] of logits.entries())
      weights[index * channels + channel] = (logit - biases[index]!) / value;
    for (let at = channel; at < input.length; at += step) input[at] = 0;
  }
  return { weights, biases };
}

/**
 * M(y, x) = sum over channels of weight times activation (Zhou et al. 2016, equation 2), [H * W]. Its mean and the bias make the logit.
 * `values`: NHWC as it crosses the seam.
 */
export function classMap({ weights }: Row, values: Float32Array, pixels: number): Float32Array {
  const step = values.length / pixels;
  return Float32Array.from({ length: pixels }, (_, pixel) => {
    let sum = 0;
    for (let channel = 0; channel < weights.length; channel++)
      sum += weights[channel]! * values[pixel * step + channel]!;
    return sum;
  });
}

/** Throws `OptionError` for a class that there is not. */
export function checkIndex(index: unknown, classes: number): void {
  if (Number.isInteger(index) && (index as number) >= 0 && (index as number) < classes) return;
  throw new OptionError(`index is ${index}; it must be a whole number below ${classes}, the number of classes.`);
}
