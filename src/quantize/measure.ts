import type { Inside } from "../cpu/observe.js";
import type { Network } from "../graph/network.js";
import { softmax } from "../session/classify.js";
import { layersOf } from "./layers.js";
import { runRounded } from "./run.js";

/** How far answers are from float's: mean divergence (Kullback and Leibler) of the classes' probabilities. */
export function divergence(expected: readonly Float32Array[], found: readonly Float32Array[]): number {
  let sum = 0;
  for (const [picture, logits] of expected.entries()) {
    const [p, q] = [softmax(logits), softmax(found[picture]!)];
    for (const [index, share] of p.entries())
      if (share > 0) sum += share * Math.log(share / Math.max(q[index]!, 1e-30));
  }
  return sum / Math.max(1, expected.length);
}

/** Pictures whose best class is float's. */
export function agreement(expected: readonly Float32Array[], found: readonly Float32Array[]): number {
  return expected.filter((logits, picture) => best(logits) === best(found[picture]!)).length;
}

const best = (logits: Float32Array) => logits.indexOf(Math.max(...logits));

/** Answers of the rounded network. */
export const answers = (inside: Inside, { values }: Network, inputs: readonly Float32Array[]) =>
  inputs.map((input) => runRounded(inside, values, input));

/** Of each layer's stored value, over pictures: the power of float's over that of the difference, in dB. */
export function noiseOf(
  float: Inside,
  rounded: Inside,
  network: Network,
  inputs: readonly Float32Array[],
  onPicture?: () => void,
): ReadonlyMap<string, number> {
  const layers = new Set(layersOf(network).map(({ name }) => name));
  const powers = new Map<string, { signal: number; noise: number }>();
  for (const input of inputs) {
    const kept = new Map<string, Float32Array>();
    runRounded(float, float.network.values, input, {
      stored: ({ name }, values) => layers.has(name) && kept.set(name, values.slice()),
    });
    runRounded(rounded, network.values, input, {
      stored({ name }, values) {
        const expected = kept.get(name);
        if (!expected) return;
        const power = powers.get(name) ?? { signal: 0, noise: 0 };
        powers.set(name, power);
        for (const [at, value] of expected.entries()) {
          power.signal += value * value;
          power.noise += (value - values[at]!) ** 2;
        }
      },
    });
    onPicture?.();
  }
  return new Map([...powers].map(([name, { signal, noise }]) => [name, decibels(signal, noise)]));
}

/** At most 200, which stands for no noise at all. */
export const decibels = (signal: number, noise: number) =>
  signal === 0 ? 200 : Math.min(200, 10 * Math.log10(signal / Math.max(noise, 1e-300)));
