import type { Inside } from "../cpu/observe.js";
import { throwIfAborted } from "../errors.js";
import type { ConvOp, Network, ValueId } from "../graph/network.js";
import { stepsOf, storedIn, withScalesIn } from "../graph/stored.js";
import { type Calibration, calibrate } from "./calibrate.js";
import { clipByDivergence, clipBySquares } from "./clip.js";
import { corrected } from "./correct.js";
import { correlatedKernel } from "./correlations.js";
import { type Cpu, onEngine } from "./engine.js";
import { Channels, equalized, factorsFor } from "./equalize.js";
import { layersOf, mapLayers } from "./layers.js";
import { answers, decibels, divergence, noiseOf } from "./measure.js";
import type { LayerReport, QuantizeProgress } from "./options.js";
import { valuesToRound } from "./plan.js";
import { runRounded } from "./run.js";
import { spread } from "./spread.js";
import { integerWeight, quantizeWeights } from "./weights.js";

export interface Quantized {
  readonly network: Network;
  readonly layers: readonly LayerReport[];
  /** Whether channels were equalised, and biases corrected: each where it brought the answers nearer to float's. */
  readonly equalized: boolean;
  readonly corrected: boolean;
}

export interface QuantizeSettings {
  readonly cpu: Cpu;
  readonly signal?: AbortSignal | null | undefined;
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined;
}

/** Weights whose rounding costs more than this stay float. */
const LEAST_WEIGHT_DECIBELS = 20;
/** Pictures on which clips are compared, biases corrected and noise measured: both take runs for each layer. */
const FEW = 12;
/** What is tried against channels as they are: see `factorsFor`. */
const STRENGTH = 0.3;
/** A step that costs runs, or changes weights, must bring the answers nearer by this. */
const GAIN = 0.97;

/**
 * Rounds a network's weights and values to integers, so that its answers to the pictures stay near its own in float. The same pictures
 * always give the same integers.
 */
export async function quantizeNetwork(
  float: Network,
  inputs: readonly Float32Array[],
  { cpu, signal, onProgress }: QuantizeSettings,
): Promise<Quantized> {
  const few = spread(inputs, FEW);
  const counted = (phase: QuantizeProgress["phase"], total: number) => {
    let loaded = 0;
    return () => {
      throwIfAborted(signal);
      onProgress?.({ phase, loaded: ++loaded, total });
    };
  };
  // As they are, and with equalised channels.
  const onPicture = counted("calibrate", 2 * inputs.length);
  const measured = (network: Network) => onEngine(network, cpu, (inside) => calibrate(inside, inputs, onPicture));
  const gap = async (network: Network, expected: readonly Float32Array[]) => {
    throwIfAborted(signal);
    return onEngine(network, cpu, (inside) => divergence(expected, answers(inside, network, inputs)));
  };

  let base = float;
  let calibration = await measured(base);
  const { logits } = calibration;
  const channels = new Channels(float);
  const even = equalized(float, channels, factorsFor(float, channels, calibration, STRENGTH));
  const evenCalibration = await measured(even);
  const plain = roundedBySquares(base, calibration);
  let nearest = await gap(plain.network, logits);
  const evenGap = await gap(roundedBySquares(even, evenCalibration).network, logits);
  const isEven = evenGap < GAIN * nearest;
  if (isEven) [base, calibration, nearest] = [even, evenCalibration, evenGap];

  const clips = await onEngine(base, cpu, (inside) =>
    chooseClips(inside, base, calibration, few, counted("clip", valuesToRound(base).size)),
  );
  const { network: clipped, weights } = roundedWith(base, calibration, (value) => clips.get(value)!.clip);
  let network = clipped;
  nearest = await gap(network, logits);
  const means = spreadMeans(calibration, inputs.length);
  const shifted = await onEngine(network, cpu, (inside) =>
    corrected(inside, clipped, few, means, counted("correct", layersOf(clipped).length)),
  );
  const isCorrected = (await gap(shifted, logits)) < nearest;
  if (isCorrected) network = shifted;

  const noise = await onEngine(base, cpu, (exact) =>
    onEngine(network, cpu, (rounded) => noiseOf(exact, rounded, network, few, counted("noise", few.length))),
  );
  const layers = layersOf(network).map((layer): LayerReport => {
    const { name, weight } = layer;
    const own = weights.get(name);
    const clip = clips.get(layer.kind === "conv" ? storedIn(layer, network).value : layer.output);
    return {
      name,
      weights: weight.int8 ? "int8" : "float",
      ...(own?.reason ? { reason: own.reason } : {}),
      weightSignalToNoise: own?.decibels ?? 200,
      signalToNoise: noise.get(name) ?? 200,
      ...(clip ? { clip: clip.by } : {}),
    };
  });
  return { network, layers, equalized: isEven, corrected: isCorrected };

  function spreadMeans({ means: all }: Calibration, count: number) {
    const indices = spread(
      Array.from({ length: count }, (_, index) => index),
      FEW,
    );
    return new Map([...all].map(([name, pictures]) => [name, indices.map((index) => pictures[index]!)]));
  }
}

/** The network with integer weights and values in f32: only its file is smaller. Needs no pictures. */
export function weightsOnly(network: Network): Network {
  return mapLayers(network, (layer) => {
    if (layer.inputs[0] === network.input) return layer;
    const alike = new Float64Array(network.values[layer.inputs[0]]!.channels).fill(1);
    const integers = quantizeWeights(layer, alike, layer.kind === "conv" ? layer.groups : 1);
    return { ...layer, weight: integerWeight(layer.weight.shape, integers) };
  });
}

interface LayerWeights {
  readonly decibels: number;
  readonly reason?: string;
}

const roundedBySquares = (network: Network, calibration: Calibration) =>
  roundedWith(network, calibration, (value, steps) => clipBySquares(calibration.values.get(value)!.histogram, steps));

/** The network with integer weights and rounded values; `clipOf`: the greatest magnitude of a value. */
function roundedWith(
  network: Network,
  calibration: Calibration,
  clipOf: (value: ValueId, steps: number) => number,
): { network: Network; weights: ReadonlyMap<string, LayerWeights> } {
  const weights = new Map<string, LayerWeights>();
  const layers = mapLayers(network, (layer) => {
    const { name, inputs, weight } = layer;
    if (inputs[0] === network.input) {
      weights.set(name, { decibels: 200, reason: "it reads the image" });
      return layer;
    }
    const groups = layer.kind === "conv" ? layer.groups : 1;
    // Behind an activation that is no ReLU nothing was looked at: all channels count alike.
    const known = calibration.values.get(inputs[0]);
    const meanSquares = known?.meanSquares ?? new Float64Array(network.values[inputs[0]]!.channels).fill(1);
    const correlations = known?.correlations;
    const kernel = correlatedKernel(layer);
    const between = correlations && kernel ? (channel: number) => correlations.between(channel, kernel) : null;
    const integers = quantizeWeights(layer, meanSquares, groups, between);
    const own = decibels(integers.signal, integers.noise);
    if (own < LEAST_WEIGHT_DECIBELS) {
      weights.set(name, { decibels: own, reason: `rounding its weights leaves ${own.toFixed(1)} dB` });
      return layer;
    }
    weights.set(name, { decibels: own });
    return { ...layer, weight: integerWeight(weight.shape, integers) };
  });
  const stored = valuesToRound(network);
  const scaleOf = (op: ConvOp) => {
    const stored = storedIn(op, layers);
    const steps = stepsOf(stored.integers)[1];
    const clip = Math.min(stored.most, clipOf(stored.value, steps));
    // A value that is zero on all pictures: any step will do.
    return Math.fround((clip > 0 ? clip : 1) / steps);
  };
  return {
    network: withScalesIn(layers, (op) => (stored.has(storedIn(op, layers).value) ? scaleOf(op) : null)),
    weights,
  };
}

interface Clip {
  readonly clip: number;
  readonly by: "squares" | "divergence";
}

/** Of two clips for each value the one whose rounding, of this value alone, leaves the answers nearer to float's. */
function chooseClips(
  inside: Inside,
  network: Network,
  { values }: Calibration,
  inputs: readonly Float32Array[],
  onValue: () => void,
): Map<ValueId, Clip> {
  const chosen = new Map<ValueId, Clip>();
  const expected = inputs.map((input) => runRounded(inside, network.values, input));
  const convolutions = network.stages.flatMap(({ ops }) => ops).filter((op) => op.kind === "conv");
  const stores = new Map(convolutions.map((op) => storedIn(op, network)).map((it) => [it.value, it]));
  for (const value of valuesToRound(network)) {
    const { histogram } = values.get(value)!;
    const { integers, most } = stores.get(value)!;
    const steps = stepsOf(integers)[1];
    const clips: Clip[] = [{ clip: Math.min(most, clipBySquares(histogram, steps)), by: "squares" }];
    const other = Math.min(most, clipByDivergence(histogram, steps));
    if (Math.abs(other / clips[0]!.clip - 1) > 0.02) clips.push({ clip: other, by: "divergence" });
    const gaps = clips.map(({ clip }) => {
      if (clips.length === 1) return 0;
      const shapes = network.values.with(value, {
        ...network.values[value]!,
        quantization: { ...integers, scale: Math.fround(clip / steps) },
      });
      return divergence(
        expected,
        inputs.map((input) => runRounded(inside, shapes, input)),
      );
    });
    chosen.set(value, clips[gaps.indexOf(Math.min(...gaps))]!);
    onValue();
  }
  return chosen;
}
