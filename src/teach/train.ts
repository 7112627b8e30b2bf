import { throwIfAborted } from "../errors.js";
import type { None } from "../features/none.js";
import { countsOf, fitLayers, logitsOf, type ProductsOf, type Sample, viewsUsed } from "./fit.js";
import type { Misfit, TrainProgress, TrainReport } from "./kinds.js";
import { noneOf } from "./none.js";
import { sharedProducts } from "./products.js";
import type { Linear } from "./solve.js";

/** Strengths of the regularisation that cross-validation chooses from. */
const STRENGTHS = [0.3, 0.1, 0.03];
/** Taken where there are too few pictures to choose. */
const USUAL = 0.03;
const FOLDS = 5;
/** Solutions that take no longer than this together have no turn of the caller's thread between them. */
const SLICE_MS = 12;
/** 95 % of a normal distribution lie within so many deviations. */
const Z = 1.96;

export interface Taught {
  readonly layer: Linear;
  readonly none: None | null;
  readonly report: TrainReport;
}

interface Watch {
  readonly signal?: AbortSignal | null | undefined;
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined;
}

/**
 * Trains a linear layer on features. Strength is chosen by cross-validation; accuracy is that of another division into parts, by layers
 * that have not seen the part; a factor of the logits makes their probabilities right there.
 */
export async function train(
  samples: readonly Sample[],
  labels: readonly string[],
  features: number,
  { signal, onProgress }: Watch,
): Promise<Taught> {
  const classes = labels.length;
  const folds = Math.min(FOLDS, ...countsOf(samples, classes));
  const tested = folds >= 2;
  const total = tested ? 2 * folds + 1 : 1;
  let loaded = 0;
  let sliceEnd = 0;
  const productsOf = productsFor(samples, features, folds);
  const solved = (candidates: readonly number[], from: readonly Sample[] = samples) => {
    const layers = fitLayers(from, classes, features, candidates, productsOf);
    onProgress?.({ loaded: ++loaded, total });
    return layers;
  };
  /** For each strength the logits of every sample, by layers that have not seen it. */
  const leftOut = async (candidates: readonly number[], division: number): Promise<Float64Array[][]> => {
    const parts = divide(samples, classes, folds, division);
    const logits = candidates.map(() => new Array<Float64Array>(samples.length));
    for (let part = 0; part < folds; part++) {
      // The caller's thread has its turn between two solutions, unless they are short: a timer takes 4 ms in browsers.
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setTimeout(resolve));
        sliceEnd = performance.now() + SLICE_MS;
      }
      throwIfAborted(signal);
      const layers = solved(
        candidates,
        samples.filter((_, index) => parts[index] !== part),
      );
      for (const [index, sample] of samples.entries()) {
        if (parts[index] !== part) continue;
        const plain = sample.views.subarray(0, features);
        for (const [at, layer] of layers.entries()) logits[at]![index] = logitsOf(layer, plain);
      }
    }
    return logits;
  };

  throwIfAborted(signal);
  let strength = USUAL;
  let seen: readonly Float64Array[] | null = null;
  if (tested) {
    let least = Number.POSITIVE_INFINITY;
    for (const [at, logits] of (await leftOut(STRENGTHS, 0)).entries()) {
      const { loss } = calibrated(samples, logits, classes);
      if (loss < least) [least, strength] = [loss, STRENGTHS[at]!];
    }
    [seen] = (await leftOut([strength], 1)) as [Float64Array[]];
  }
  const [layer] = solved([strength]) as [Linear];
  throwIfAborted(signal);
  const factor = seen ? calibrated(samples, seen, classes).factor : 1;
  const scaled = { weights: layer.weights.map((it) => it * factor), biases: layer.biases.map((it) => it * factor) };
  const none = noneOf(samples, classes, features);
  return { layer: scaled, none, report: reportOf(samples, labels, { seen, factor, folds, strength, none }) };
}

/** Undefined where some layer has as many rows as features, and so no use for them. */
function productsFor(samples: readonly Sample[], features: number, folds: number): ProductsOf | undefined {
  // What is left without a fold is fewer pictures, which may show more views each.
  const fewest = folds < 2 ? samples.length : Math.floor((samples.length * (folds - 1)) / folds) - 1;
  const views = viewsUsed(samples.slice(0, Math.max(1, fewest)), features);
  return samples.length * views < features ? sharedProducts(samples, features, views) : undefined;
}

/** Which part each sample is in: each class is spread over all of them, in an order that `division` chooses. */
function divide(samples: readonly Sample[], classes: number, folds: number, division: number): number[] {
  const parts = new Array<number>(samples.length);
  let state = 0x9e3779b9 + division;
  const next = () => {
    // Numerical Recipes' linear congruential generator: the same division each time.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  let turn = 0;
  for (let k = 0; k < classes; k++) {
    const own = samples.flatMap((sample, index) => (sample.class === k ? { index, key: next() } : []));
    own.sort((a, b) => a.key - b.key);
    for (const { index } of own) parts[index] = turn++ % folds;
  }
  return parts;
}

/**
 * The factor of the logits with the least loss on samples that were left out, classes counting alike, and that loss. Of so many samples one
 * is taken to be wrong by chance, or a factor of few that are all right would have no end (as Platt 1999 smooths his targets).
 */
function calibrated(samples: readonly Sample[], logits: readonly Float64Array[], classes: number) {
  const counts = countsOf(samples, classes);
  const chance = 1 / (samples.length + 2);
  const lossAt = (factor: number) => {
    let loss = 0;
    for (const [index, sample] of samples.entries()) {
      const own = logits[index]!;
      const most = Math.max(...own) * factor;
      const logarithm = most + Math.log(own.reduce((sum, it) => sum + Math.exp(factor * it - most), 0));
      const mean = own.reduce((sum, it) => sum + it, 0) / classes;
      const expected = (1 - chance) * own[sample.class]! + chance * mean;
      loss += (logarithm - factor * expected) / (classes * counts[sample.class]!);
    }
    return loss;
  };
  // Convex in the factor: thirds of the interval, by its logarithm.
  let [low, high] = [Math.log(0.05), Math.log(20)];
  for (let turn = 0; turn < 40; turn++) {
    const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
    if (lossAt(Math.exp(a)) < lossAt(Math.exp(b))) high = b;
    else low = a;
  }
  const factor = Math.exp((low + high) / 2);
  return { factor, loss: lossAt(factor) };
}

/** Probabilities of logits. */
export function probabilities(logits: Float64Array, factor = 1): Float64Array {
  const most = Math.max(...logits) * factor;
  const sizes = logits.map((it) => Math.exp(factor * it - most));
  const sum = sizes.reduce((all, it) => all + it, 0);
  return sizes.map((it) => it / sum);
}

/** Wilson's interval of a share: right also where few were tried and all are right. */
export function interval(right: number, count: number): [low: number, high: number] {
  const share = right / count;
  const square = Z ** 2;
  const middle = share + square / (2 * count);
  const half = Z * Math.sqrt((share * (1 - share)) / count + square / (4 * count ** 2));
  const whole = 1 + square / count;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

interface Found {
  readonly seen: readonly Float64Array[] | null;
  readonly factor: number;
  readonly folds: number;
  readonly strength: number;
  readonly none: None | null;
}

function reportOf(
  samples: readonly Sample[],
  labels: readonly string[],
  { seen, factor, folds, strength, none }: Found,
): TrainReport {
  const counts = countsOf(samples, labels.length);
  const confusion = labels.map(() => labels.map(() => 0));
  const misfits: Misfit[] = [];
  let right = 0;
  for (const [index, { id, label, class: own }] of samples.entries()) {
    if (!seen) break;
    const shares = probabilities(seen[index]!, factor);
    const best = shares.indexOf(Math.max(...shares));
    confusion[own]![best]!++;
    if (best === own) right++;
    else misfits.push({ id, label, predicted: labels[best]!, probability: shares[best]! });
  }
  misfits.sort((a, b) => b.probability - a.probability);
  const notes: string[] = [];
  const few = labels.filter((_, k) => counts[k]! < 5);
  if (!seen)
    notes.push(`A class has a single picture (${few[0]}): nothing could be left out, so that no accuracy is known.`);
  else if (few.length > 0)
    notes.push(`Fewer than five pictures show ${few.slice(0, 5).join(", ")}: the accuracy is a guess.`);
  if (!none) notes.push('Too few pictures to tell "none of these".');
  return {
    labels,
    examples: counts,
    accuracy: seen ? right / samples.length : null,
    interval: seen ? interval(right, samples.length) : null,
    confusion: seen ? confusion : null,
    misfits,
    folds: seen ? folds : 0,
    strength,
    threshold: none?.threshold ?? null,
    notes,
  };
}
