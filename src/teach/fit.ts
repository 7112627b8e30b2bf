import { addScaled, dot } from "../base/vectors.js";
import { type Linear, solve } from "./solve.js";

/** What is kept of a picture that was taught. */
export interface Example {
  readonly id: number;
  readonly label: string;
  /** Features of its views, [views * features]; the plain one first. */
  readonly views: Float32Array;
  /**
   * Where the backbone's own classifier sees it: the classifier's rows, less their mean, weighted by the probabilities that it gives the
   * picture, [features]. Null where the backbone has no classifier.
   */
  readonly lean: Float32Array | null;
}

/** An example with the index of its class. */
export interface Sample extends Example {
  readonly class: number;
}

/** Inner products of the first `views` views of some pictures, each brought to unit length: [rows * rows]. */
export type ProductsOf = (samples: readonly Sample[], views: number) => Float64Array;

/** Views that are used, at most, of all pictures together: more rows tell little more, and take longer. */
const MOST_ROWS = 600;
/**
 * How much freer the directions are that the backbone's own classes suggest, against all others: their root mean square is so many times
 * that of all features together.
 */
const PRIOR = 2;

/**
 * A linear layer on raw features that tells the classes apart, for each strength of the regularisation. Features are brought to unit length, centred and scaled for the solver, and
 * the result is folded back. Beside them stand the directions that the backbone's own classes suggest: for each class the mean of its
 * pictures' `lean`. Classes count alike, however many pictures they have.
 */
export function fitLayers(
  samples: readonly Sample[],
  classes: number,
  features: number,
  strengths: readonly number[],
  productsOf?: ProductsOf,
): Linear[] {
  const counts = countsOf(samples, classes);
  const views = viewsUsed(samples, features);
  const hints = hintsOf(samples, classes, features);
  const width = features + hints.length;
  const count = samples.length * views;
  const values = new Float64Array(count * width);
  const [own, weights] = [new Int32Array(count), new Float64Array(count)];
  let norms = 0;
  for (const [index, sample] of samples.entries()) {
    const weight = samples.length / (classes * counts[sample.class]!);
    for (let view = 0; view < views; view++) {
      const row = index * views + view;
      own[row] = sample.class;
      weights[row] = weight / views;
      const raw = sample.views.subarray(view * features, (view + 1) * features);
      const norm = lengthOf(raw);
      if (view === 0) norms += norm / samples.length;
      for (let at = 0; at < features; at++) values[row * width + at] = raw[at]! / norm;
      for (const [k, hint] of hints.entries()) {
        values[row * width + features + k] = dot(hint, raw) / norm;
      }
    }
  }
  const means = meansOf(values, width, weights);
  const plain = 1 / deviation(values, width, means, weights, 0, features);
  const hinted = hints.length > 0 ? PRIOR / deviation(values, width, means, weights, features, width) : 0;
  const scale = (column: number) => (column < features ? plain : hinted);
  for (let row = 0; row < count; row++) {
    centre(values, row * width, means, 0, features, plain);
    centre(values, row * width, means, features, width, hinted);
  }
  const gram = productsOf && centred(productsOf(samples, views), { values, width, features, weights, plain });
  const solutions = solve({ values, count, width, classes: own, weights, gram }, classes, strengths);
  // Pictures to come are not brought to unit length: their layer is linear. They have about the length of those that were taught.
  return solutions.map((solved) => folded(solved, { classes, features, hints, means, scale, norms }));
}

/** Columns [begin, end) of the row at `from`, less their means, times `scale`. */
function centre(
  values: Float64Array,
  from: number,
  means: Float64Array,
  begin: number,
  end: number,
  scale: number,
): void {
  for (let column = begin; column < end; column++) {
    values[from + column] = (values[from + column]! - means[column]!) * scale;
  }
}

/** Of each picture. */
export function viewsUsed(samples: readonly Sample[], features: number): number {
  return Math.max(1, Math.min(samples[0]!.views.length / features, Math.floor(MOST_ROWS / samples.length)));
}

interface Centred {
  /** Rows as the solver has them, of which the columns behind the features are read. */
  readonly values: Float64Array;
  readonly width: number;
  readonly features: number;
  readonly weights: Float64Array;
  /** The features' scale. */
  readonly plain: number;
}

/** Inner products of rows of unit length as those of the solver's rows: without the weighted mean, scaled, with the hints' columns. */
function centred(raw: Float64Array, { values, width, features, weights, plain }: Centred): Float64Array {
  const count = weights.length;
  const total = weights.reduce((sum, it) => sum + it, 0);
  const withMean = new Float64Array(count);
  let ofMean = 0;
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) withMean[a]! += (raw[a * count + b]! * weights[b]!) / total;
    ofMean += (withMean[a]! * weights[a]!) / total;
  }
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = (raw[a * count + b]! - withMean[a]! - withMean[b]! + ofMean) * plain ** 2;
      for (let at = features; at < width; at++) sum += values[a * width + at]! * values[b * width + at]!;
      raw[a * count + b] = raw[b * count + a] = sum;
    }
  }
  return raw;
}

/** What rows were made of. */
interface Made {
  readonly classes: number;
  readonly features: number;
  readonly hints: readonly Float64Array[];
  readonly means: Float64Array;
  readonly scale: (column: number) => number;
  readonly norms: number;
}

/** A solution on rows as a layer on raw features. */
function folded(solved: Linear, { classes, features, hints, means, scale, norms }: Made): Linear {
  const width = means.length;
  const layer = new Float64Array(classes * features);
  const biases = solved.biases.slice();
  for (let k = 0; k < classes; k++) {
    for (let column = 0; column < width; column++) {
      const weight = solved.weights[k * width + column]! * scale(column);
      biases[k]! -= weight * means[column]!;
      const hint = hints[column - features];
      for (let at = hint ? 0 : column; at < (hint ? features : column + 1); at++) {
        layer[k * features + at]! += (weight * (hint ? hint[at]! : 1)) / norms;
      }
    }
  }
  return { weights: layer, biases };
}

/** For each class the mean of its pictures' `lean`; none where the backbone has no classifier. */
export function hintsOf(samples: readonly Sample[], classes: number, features: number): Float64Array[] {
  if (!samples[0]?.lean) return [];
  const counts = countsOf(samples, classes);
  const hints = Array.from({ length: classes }, () => new Float64Array(features));
  for (const { lean, class: k } of samples) {
    for (let at = 0; at < features; at++) hints[k]![at]! += lean![at]! / counts[k]!;
  }
  return hints;
}

export function countsOf(samples: readonly Sample[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const sample of samples) counts[sample.class]!++;
  return counts;
}

export function lengthOf(values: ArrayLike<number>): number {
  return Math.sqrt(dot(values, values)) || 1;
}

/** Logits of raw features, [classes]. */
export function logitsOf({ weights, biases }: Linear, features: ArrayLike<number>): Float64Array {
  return biases.map((bias, k) => {
    let sum = bias;
    const from = k * features.length;
    for (let at = 0; at < features.length; at++) sum += weights[from + at]! * features[at]!;
    return sum;
  });
}

function meansOf(values: Float64Array, width: number, weights: Float64Array): Float64Array {
  const means = new Float64Array(width);
  let total = 0;
  for (const [row, weight] of weights.entries()) {
    total += weight;
    addScaled(means, 0, values, row * width, width, weight);
  }
  return means.map((sum) => sum / total);
}

/** Root of the mean, over rows, of the squares of columns [begin, end). */
function deviation(
  values: Float64Array,
  width: number,
  means: Float64Array,
  weights: Float64Array,
  begin: number,
  end: number,
): number {
  let [sum, total] = [0, 0];
  for (const [row, weight] of weights.entries()) {
    total += weight;
    for (let column = begin; column < end; column++) {
      sum += weight * (values[row * width + column]! - means[column]!) ** 2;
    }
  }
  return Math.sqrt(sum / total) || 1;
}
