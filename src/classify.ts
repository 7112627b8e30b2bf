import { OptionError } from "./errors.js";
import type { ClassifyOptions, Prediction } from "./options.js";

/** Softmax probabilities of one image's logits, in f64, shifted by the largest. */
export function softmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  const scores = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  let sum = 0;
  for (const score of scores) sum += score;
  return scores.map((score) => score / sum);
}

/** The `topK` best classes with at least `minScore`, best first; equal scores by index. */
export function rank(logits: Float32Array, labels: readonly string[] | null, options: ClassifyOptions): Prediction[] {
  const { topK = 5, minScore = 0 } = options;
  if (!(topK >= 1)) throw new OptionError(`topK is ${topK}; it must be at least 1.`);
  if (!(minScore >= 0 && minScore <= 1)) throw new OptionError(`minScore is ${minScore}; it must lie between 0 and 1.`);
  const scores = softmax(logits);
  return Array.from(scores, (_, index) => index)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, topK)
    .filter((index) => scores[index]! >= minScore)
    .map((index) => ({ index, label: labels?.[index] ?? `class ${index}`, score: scores[index]! }));
}
