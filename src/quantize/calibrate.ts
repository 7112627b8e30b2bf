import type { Inside } from "../cpu/observe.js";
import type { ValueId } from "../graph/network.js";
import { channelMeans } from "./correct.js";
import { Correlations, reaches } from "./correlations.js";
import { Histogram } from "./histogram.js";
import { runRounded } from "./run.js";

/** What a value is over the calibration pictures. */
export interface ValueStatistics {
  readonly histogram: Histogram;
  /** Of each channel, [C]: mean square, and the greatest magnitude. */
  readonly meanSquares: Float64Array;
  readonly maxima: Float64Array;
  /** Of what a kernel reads at a time; null where kernels have one pixel. */
  readonly correlations: Correlations | null;
}

export interface Calibration {
  readonly values: ReadonlyMap<ValueId, ValueStatistics>;
  /** By layer and picture, [C]: means before the ReLU. */
  readonly means: ReadonlyMap<string, readonly Float64Array[]>;
  /** The network's, picture by picture. */
  readonly logits: readonly Float32Array[];
}

/** Runs the network on the pictures, and gathers what its values are. */
export function calibrate(inside: Inside, inputs: readonly Float32Array[], onPicture?: () => void): Calibration {
  const { network } = inside;
  const values = new Map<ValueId, ValueStatistics>();
  const means = new Map<string, Float64Array[]>();
  const reach = reaches(network);
  const statisticsOf = (value: ValueId) => {
    const known = values.get(value);
    if (known) return known;
    const { channels } = network.values[value]!;
    const made = {
      histogram: new Histogram(),
      meanSquares: new Float64Array(channels),
      maxima: new Float64Array(channels),
      correlations: reach.has(value) ? new Correlations(channels, reach.get(value)!) : null,
    };
    values.set(value, made);
    return made;
  };
  const logits = inputs.map((input) => {
    addImage(statisticsOf(network.input), input, network.values[network.input]!.channels, inputs.length);
    const result = runRounded(inside, network.values, input, {
      bare: (op, array, step) => {
        if (op.kind !== "conv" && op.kind !== "linear") return;
        const own = means.get(op.name) ?? [];
        means.set(op.name, own);
        own.push(channelMeans(array, network.values[op.output]!.channels, step));
      },
      stored: (_, array, step, value) => {
        const { histogram, meanSquares, maxima, correlations } = statisticsOf(value);
        histogram.add(array, meanSquares.length, step);
        correlations?.add(array, network.values[value]!, step, inputs.length);
        addChannels(meanSquares, maxima, array, step, inputs.length);
      },
    });
    onPicture?.();
    return result;
  });
  return { values, means, logits };
}

function addChannels(
  meanSquares: Float64Array,
  maxima: Float64Array,
  array: Float32Array,
  step: number,
  pictures: number,
) {
  const sums = new Float64Array(meanSquares.length);
  for (let pixel = 0; pixel < array.length; pixel += step) {
    for (let channel = 0; channel < sums.length; channel++) {
      const value = Math.abs(array[pixel + channel]!);
      sums[channel] = sums[channel]! + value * value;
      if (value > maxima[channel]!) maxima[channel] = value;
    }
  }
  const share = step / array.length / pictures;
  for (let channel = 0; channel < sums.length; channel++) {
    meanSquares[channel] = meanSquares[channel]! + sums[channel]! * share;
  }
}

/** Planes. */
function addImage({ meanSquares, maxima }: ValueStatistics, input: Float32Array, channels: number, pictures: number) {
  const plane = input.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (const value of input.subarray(channel * plane, (channel + 1) * plane)) {
      sum += value * value;
      maxima[channel] = Math.max(maxima[channel]!, Math.abs(value));
    }
    meanSquares[channel] = meanSquares[channel]! + sum / plane / pictures;
  }
}
