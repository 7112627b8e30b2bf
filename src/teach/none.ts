import { dot } from "../base/vectors.js";
import type { None } from "../features/none.js";
import { countsOf, hintsOf, lengthOf, type Sample } from "./fit.js";

/**
 * Of pictures like those that were taught, 2.5 % may be refused, by the measure of those that were left out: half of what is promised, since
 * pictures to come differ more. The standard normal distribution's quantile of that.
 */
const QUANTILE = 1.959964;
/** Directions that are kept where the backbone has no classifier. */
const MOST_EXAMPLES = 200;

/**
 * How "none of these" is told: a picture's score is its largest cosine with one of the directions. They are where the backbone's own
 * classifier sees each class, or where it has none the examples themselves. Each example is scored without itself, and the threshold lies
 * where few of them do. Null where there are too few to tell.
 */
export function noneOf(samples: readonly Sample[], classes: number, features: number): None | null {
  const hints = hintsOf(samples, classes, features);
  const counts = countsOf(samples, classes);
  const left = samples.map((_, index) =>
    bestOf(directionsWithout(index, samples, features, hints, counts), samples[index]!.views.subarray(0, features)),
  );
  const scores = left.filter((score) => Number.isFinite(score));
  if (scores.length < 4) return null;
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const spread = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / (scores.length - 1));
  return {
    directions: directionsWithout(-1, samples, features, hints, counts).map((it) =>
      Float32Array.from(it, (value) => value / lengthOf(it)),
    ),
    threshold: thresholdOf(scores.length, mean, spread),
    spread: Math.max(spread, 1e-3),
  };
}

/** The directions without one example, or all for an index of -1. */
function directionsWithout(
  left: number,
  samples: readonly Sample[],
  features: number,
  hints: readonly Float64Array[],
  counts: readonly number[],
): ArrayLike<number>[] {
  if (hints.length > 0) {
    const own = samples[left];
    const directions = hints.flatMap((hint, k) => {
      if (!own || k !== own.class) return [hint];
      // A class whose only example was left out has no direction.
      const rest = counts[k]! - 1;
      return rest === 0 ? [] : [hint.map((mean, at) => mean + (mean - own.lean![at]!) / rest)];
    });
    return directions.filter((it) => it.some((value) => value !== 0));
  }
  const others = left < 0 ? samples : samples.filter((_, index) => index !== left);
  const step = Math.max(1, others.length / MOST_EXAMPLES);
  return Array.from({ length: Math.min(others.length, MOST_EXAMPLES) }, (_, index) =>
    others[Math.floor(index * step)]!.views.subarray(0, features),
  );
}

function bestOf(directions: readonly ArrayLike<number>[], raw: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const direction of directions) best = Math.max(best, dot(direction, raw) / lengthOf(direction) / lengthOf(raw));
  return best;
}

/** The prediction bound of a normal distribution: 2.5 % of scores to come lie below it. */
function thresholdOf(count: number, mean: number, spread: number): number {
  return Math.max(-1, mean - quantileOfT(count - 1) * spread * Math.sqrt(1 + 1 / count));
}

/** Student's t at the same probability (Abramowitz & Stegun 1972, 26.7.5). */
function quantileOfT(freedom: number): number {
  const z = QUANTILE;
  const g = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
  ];
  return z + g.reduce((sum, term, at) => sum + term / freedom ** (at + 1), 0);
}
