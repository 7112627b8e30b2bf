import type { Network, Op, ValueId, Vector, Weight } from "../graph/network.js";
import { elementCount } from "../graph/tensor.js";
import { lazyVector } from "../graph/vector.js";
import type { Calibration } from "./calibrate.js";

/**
 * Factors by which channels of values may be divided while what reads them is multiplied by as much, without a change to what a
 * network computes (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"). Channels that are
 * added to each other, pooled or copied have one factor.
 */
export class Channels {
  readonly #offsets: number[] = [];
  readonly #parents: Int32Array;
  /** Of roots whose factor is 1. */
  readonly #fixed: Uint8Array;

  constructor(private readonly network: Network) {
    let count = 0;
    for (const { channels } of network.values) {
      this.#offsets.push(count);
      count += channels;
    }
    this.#parents = Int32Array.from({ length: count }, (_, node) => node);
    this.#fixed = new Uint8Array(count);
    this.#fix(network.input);
    this.#fix(network.output);
    for (const { ops } of network.stages) for (const op of ops) this.#tie(op);
  }

  get count(): number {
    return this.#parents.length;
  }

  /** The number that stands for a channel and all that have its factor; null where that is 1. */
  classOf(value: ValueId, channel: number): number | null {
    const root = this.#root(this.#offsets[value]! + channel);
    return this.#fixed[root] ? null : root;
  }

  #root(node: number): number {
    let root = node;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    this.#parents[node] = root;
    return root;
  }

  #join(a: ValueId, b: ValueId, shift = 0): void {
    const { channels } = this.network.values[a]!;
    for (let channel = 0; channel < channels; channel++) {
      const one = this.#root(this.#offsets[a]! + channel);
      const other = this.#root(this.#offsets[b]! + channel + shift);
      this.#parents[other] = one;
      this.#fixed[one] ||= this.#fixed[other]!;
    }
  }

  #fix(value: ValueId): void {
    const { channels } = this.network.values[value]!;
    for (let channel = 0; channel < channels; channel++) this.#fixed[this.#root(this.#offsets[value]! + channel)] = 1;
  }

  #tie(op: Op): void {
    switch (op.kind) {
      case "conv":
        if (op.inputs[1] !== undefined) this.#join(op.inputs[1], op.output);
        break;
      case "linear":
        break;
      case "add":
        this.#join(op.inputs[1], op.output);
        this.#join(op.inputs[0], op.output);
        break;
      case "relu":
      case "maxPool":
      case "averagePool":
      case "globalAveragePool":
      case "globalMaxPool":
      case "blurPool":
        this.#join(op.inputs[0], op.output);
        break;
      case "zeroPadShortcut":
        this.#join(op.inputs[0], op.output, op.before);
        break;
      default:
        for (const value of op.inputs) this.#fix(value);
        this.#fix(op.output);
    }
  }
}

/** The greatest and least factor: beyond that a channel is nearly dead, or a single outlier. */
const REACH = 16;

/**
 * Factors, by `Channels.classOf`: a channel's greatest magnitude over that of its value, to the power of `strength`. 1 makes all
 * channels of a value equally large, and weights unequal; 0 leaves everything as it is.
 */
export function factorsFor(
  network: Network,
  channels: Channels,
  { values }: Calibration,
  strength: number,
): Float64Array {
  const logs = new Float64Array(channels.count);
  const counts = new Uint32Array(channels.count);
  for (const [value, { maxima }] of values) {
    const most = Math.max(...maxima);
    if (most === 0 || value === network.input) continue;
    for (const [channel, maximum] of maxima.entries()) {
      const root = channels.classOf(value, channel);
      if (root === null) continue;
      logs[root] = logs[root]! + Math.log(Math.max(maximum / most, 1 / REACH));
      counts[root] = counts[root]! + 1;
    }
  }
  // In f32: the last bits of an exponential are each engine's own.
  return logs.map((log, root) => (counts[root] ? Math.fround(Math.exp((strength * log) / counts[root]!)) : 1));
}

/** The network with each value's channels divided by their factors; weights and biases make up for it. */
export function equalized(network: Network, channels: Channels, factors: Float64Array): Network {
  const of = (value: ValueId) =>
    Float64Array.from({ length: network.values[value]!.channels }, (_, channel) => {
      const root = channels.classOf(value, channel);
      return root === null ? 1 : factors[root]!;
    });
  const changed = (op: Op): Op => {
    if (op.kind !== "conv" && op.kind !== "linear") return op;
    const [inputs, outputs] = [of(op.inputs[0]), of(op.output)];
    const groups = op.kind === "conv" ? op.groups : 1;
    return {
      ...op,
      weight: scaledWeight(op.weight, inputs, outputs, groups),
      bias: op.bias && scaledVector(op.bias, outputs),
      ...("statistics" in op ? { statistics: undefined } : {}),
    } as Op;
  };
  return { ...network, stages: network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(changed) })) };
}

function scaledWeight(weight: Weight, inputs: Float64Array, outputs: Float64Array, groups: number): Weight {
  const depth = weight.shape[1]!;
  const row = elementCount(weight.shape.slice(1));
  const taps = row / depth;
  return {
    shape: weight.shape,
    read(begin, end, target) {
      weight.read(begin, end, target);
      for (let output = begin, at = 0; output < end; output++) {
        const first = Math.floor((output * groups) / outputs.length) * depth;
        for (let channel = first; channel < first + depth; channel++) {
          const factor = inputs[channel]! / outputs[output]!;
          for (const stop = at + taps; at < stop; at++) target[at] = target[at]! * factor;
        }
      }
    },
  };
}

function scaledVector(vector: Vector, outputs: Float64Array): Vector {
  return lazyVector(vector.length, 0, () => vector.read().map((value, channel) => value / outputs[channel]!));
}
