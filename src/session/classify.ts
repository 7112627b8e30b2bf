import { OptionError } from "../errors.js";
import type { Architecture } from "../graph/network.js";
import type { ClassifyOptions, Prediction } from "../options.js";

/** How a network's logits become scores. */
export type Scores = NonNullable<Architecture["scores"]>;

/** Softmax probabilities of one image's logits, in f64, shifted by the largest. */
export function softmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  const scores = new Float64Array(logits);
  let sum = 0;
  for (let index = 0; index < scores.length; index++) sum += scores[index] = Math.exp(scores[index]! - largest);
  return scores.map((score) => score / sum);
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));

/**
 * One logit is that of "yes", class 1: a softmax of it would be 1 for any image. Class 0 has what is left, the sigmoid of the
 * logit's negative.
 */
const isBinary = (logits: number, kind: Scores) => logits === 1 && kind !== "none";

/** A score for each class, [classes]; two for a single logit, unless its kind is "none". */
export function scoresOf(logits: Float32Array, kind: Scores = "softmax"): Float64Array {
  if (kind === "none") return Float64Array.from(logits);
  if (isBinary(logits.length, kind)) return Float64Array.of(sigmoid(-logits[0]!), sigmoid(logits[0]!));
  return kind === "sigmoid" ? Float64Array.from(logits, sigmoid) : softmax(logits);
}

/** Labels that fit the scores, or null. Throws `OptionError` for another number of them. One label of one logit is that of "yes". */
export function labelsFor(labels: unknown, logits: number, kind: Scores = "softmax"): readonly string[] | null {
  if (labels == null) return null;
  if (!Array.isArray(labels) || labels.some((label) => typeof label !== "string")) {
    throw new OptionError("The labels must be a list of strings, one for each class, in index order.");
  }
  const binary = isBinary(logits, kind);
  if (binary && labels.length === 1) return [`not ${labels[0]}`, labels[0]];
  const classes = binary ? 2 : logits;
  if (labels.length === classes) return labels;
  throw new OptionError(`There are ${labels.length} labels for ${classes} classes; give one for each, in index order.`);
}

/** The `topK` best classes with at least `minScore`, best first; equal scores by index. */
export function rank(
  logits: Float32Array,
  labels: readonly string[] | null,
  options: ClassifyOptions,
  kind?: Scores,
): Prediction[] {
  const { topK = 5, logits: tells, minScore = kind === "none" ? Number.NEGATIVE_INFINITY : 0 } = options;
  if (!(topK >= 1)) throw new OptionError(`topK is ${topK}; it must be at least 1.`);
  if (!(kind === "none" ? !Number.isNaN(minScore) : minScore >= 0 && minScore <= 1)) {
    throw new OptionError(`minScore is ${minScore}; it must lie between 0 and 1.`);
  }
  const scores = scoresOf(logits, kind);
  // A single logit is that of class 1; class 0 has its negative.
  const logitOf = (index: number) =>
    scores.length === logits.length ? logits[index]! : index === 1 ? logits[0]! : -logits[0]!;
  // Numbers alone are sorted sooner than by a comparison: those that cannot be among the best are left out.
  const least = Math.max(minScore, scores.slice().sort().at(-Math.min(topK, scores.length))!);
  return [...scores.keys()]
    .filter((index) => scores[index]! >= least)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, topK)
    .map((index) => ({
      index,
      label: labels?.[index] ?? `class ${index}`,
      score: scores[index]!,
      ...(tells && { logit: logitOf(index) }),
    }));
}
