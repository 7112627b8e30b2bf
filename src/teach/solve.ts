import { addScaled, dot, product } from "../base/vectors.js";

/** Rows of numbers with their classes. */
export interface Rows {
  /** [count * width] */
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
  /** Of each row. */
  readonly classes: Int32Array;
  /** What each row counts for. */
  readonly weights: Float64Array;
  /** Inner products of all pairs of rows, [count * count], where they are known already. */
  readonly gram?: Float64Array | undefined;
  /** The values are a lower triangle: those of a row behind its own index are zero. */
  readonly triangular?: boolean;
}

/** logit_k = weights_k . row + bias_k: [classes * width], and [classes]. */
export interface Linear {
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** The gradient's length, of the sum of all weights, where the solution is taken for found. */
const CLOSE = 1e-5;
const MOST_STEPS = 300;
/** Pairs of steps and gradients that L-BFGS keeps. */
const KEPT = 10;

/**
 * Multinomial logistic regression: the sum of each row's weight times -log of its class's probability, plus strength / 2 times the sum of
 * the weights' squares, at its least. Biases are free. The problem is convex, and L-BFGS (Nocedal & Wright 2006, section 7.2) goes on until
 * the gradient is nearly zero. Where rows are fewer than their values it works on coordinates of the space that the rows span. A solution
 * for each strength, which begins where the one before ended.
 */
export function solve(rows: Rows, classes: number, strengths: readonly number[]): Linear[] {
  const { count, width } = rows;
  if (count >= width) return solveDirectly(rows, classes, strengths);
  const factor = cholesky(rows.gram ?? gram(rows.values, count, width), count);
  const found = solveDirectly({ ...rows, values: factor, width: count, triangular: true }, classes, strengths);
  return found.map((it) => spanned(it, rows, factor, classes));
}

/** A solution on the rows' own coordinates as one on their values. */
function spanned({ weights: within, biases }: Linear, rows: Rows, factor: Float64Array, classes: number): Linear {
  const { values, count, width } = rows;
  // rows = factor . basis, so the weights are the basis's combination: rows' . (factor'^-1 within).
  const weights = new Float64Array(classes * width);
  for (let k = 0; k < classes; k++) {
    const solved = within.slice(k * count, (k + 1) * count);
    for (let row = count - 1; row >= 0; row--) {
      solved[row]! /= factor[row * count + row]!;
      addScaled(solved, 0, factor, row * count, row, -solved[row]!);
      addScaled(weights, k * width, values, row * width, width, solved[row]!);
    }
  }
  return { weights, biases };
}

/** Inner products of all pairs of rows: [count, count]. */
export function gram(values: Float64Array, count: number, width: number): Float64Array {
  const result = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      result[a * count + b] = result[b * count + a] = product(values, a * width, values, b * width, width);
    }
  }
  return result;
}

/** Lower triangular, row by row. Rows that depend on others get a little of their own. */
function cholesky(matrix: Float64Array, size: number): Float64Array {
  let trace = 0;
  for (let at = 0; at < size; at++) trace += matrix[at * size + at]!;
  const least = Math.max(1e-300, (1e-9 * trace) / size);
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      const sum = matrix[row * size + column]! - product(lower, row * size, lower, column * size, column);
      lower[row * size + column] =
        row === column ? Math.sqrt(Math.max(sum, 0) + least) : sum / lower[column * size + column]!;
    }
  }
  return lower;
}

function solveDirectly(rows: Rows, classes: number, strengths: readonly number[]): Linear[] {
  const total = rows.weights.reduce((sum, weight) => sum + weight, 0);
  const split = classes * rows.width;
  let found = new Float64Array(split + classes);
  return strengths.map((strength) => {
    found = minimize(found, objective(rows, classes, strength), CLOSE * total);
    return { weights: found.slice(0, split), biases: found.slice(split) };
  });
}

type Evaluate = (at: Float64Array, gradient: Float64Array) => number;

/** Parameters are all weights, then all biases. */
function objective(rows: Rows, classes: number, strength: number): Evaluate {
  const { values, count, width, classes: own, weights, triangular } = rows;
  const logits = new Float64Array(classes);
  const split = classes * width;
  return (at, gradient) => {
    let loss = 0;
    for (let index = 0; index < split; index++) {
      gradient[index] = strength * at[index]!;
      loss += 0.5 * strength * at[index]! * at[index]!;
    }
    gradient.fill(0, split);
    for (let row = 0; row < count; row++) {
      const from = row * width;
      const used = triangular ? row + 1 : width;
      let largest = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < classes; k++) {
        const logit = at[split + k]! + product(at, k * width, values, from, used);
        logits[k] = logit;
        largest = Math.max(largest, logit);
      }
      let sum = 0;
      for (const logit of logits) sum += Math.exp(logit - largest);
      const logarithm = largest + Math.log(sum);
      const weight = weights[row]!;
      loss += weight * (logarithm - logits[own[row]!]!);
      for (let k = 0; k < classes; k++) {
        const part = weight * (Math.exp(logits[k]! - logarithm) - (k === own[row] ? 1 : 0));
        if (part === 0) continue;
        addScaled(gradient, k * width, values, from, used, part);
        gradient[split + k]! += part;
      }
    }
    return loss;
  };
}

function minimize(start: Float64Array<ArrayBuffer>, evaluate: Evaluate, close: number): Float64Array<ArrayBuffer> {
  const length = start.length;
  let at = start;
  let gradient = new Float64Array(length);
  let value = evaluate(at, gradient);
  const pairs: { step: Float64Array; change: Float64Array; curvature: number }[] = [];
  for (let turn = 0; turn < MOST_STEPS && Math.sqrt(dot(gradient, gradient)) > close; turn++) {
    const direction = descent(gradient, pairs);
    const slope = dot(direction, gradient);
    let size = pairs.length > 0 ? 1 : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
    let next = at;
    let nextValue = value;
    const nextGradient = new Float64Array(length);
    // Armijo's condition, by halves: the first step mostly meets it.
    for (let halving = 0; halving < 40; halving++, size /= 2) {
      next = new Float64Array(length);
      for (let index = 0; index < length; index++) next[index] = at[index]! + size * direction[index]!;
      nextValue = evaluate(next, nextGradient);
      if (nextValue <= value + 1e-4 * size * slope) break;
    }
    if (!(nextValue < value)) break;
    const [step, change] = [new Float64Array(length), new Float64Array(length)];
    for (let index = 0; index < length; index++) {
      step[index] = next[index]! - at[index]!;
      change[index] = nextGradient[index]! - gradient[index]!;
    }
    const curvature = dot(step, change);
    if (curvature > 1e-12 * dot(change, change)) pairs.push({ step, change, curvature });
    if (pairs.length > KEPT) pairs.shift();
    [at, gradient, value] = [next, nextGradient, nextValue];
  }
  return at;
}

/** The two-loop recursion: minus the inverse Hessian's estimate times the gradient. */
function descent(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array; curvature: number }[],
): Float64Array {
  const { length } = gradient;
  const direction = gradient.map((it) => -it);
  const parts = new Float64Array(pairs.length);
  for (let index = pairs.length - 1; index >= 0; index--) {
    const { step, change, curvature } = pairs[index]!;
    parts[index] = dot(step, direction) / curvature;
    addScaled(direction, 0, change, 0, length, -parts[index]!);
  }
  const last = pairs.at(-1);
  if (last) {
    const factor = last.curvature / dot(last.change, last.change);
    for (let at = 0; at < direction.length; at++) direction[at]! *= factor;
  }
  for (const [index, { step, change, curvature }] of pairs.entries()) {
    const part = parts[index]! - dot(change, direction) / curvature;
    addScaled(direction, 0, step, 0, length, part);
  }
  return direction;
}
