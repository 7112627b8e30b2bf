import type { ClassifyOptions, Prediction } from "../options.js";

/** An exponential average of every class's score: `smooth` is what a frame keeps of those before it. */
export function averaging(smooth: number, { topK = 5, minScore = 0 }: ClassifyOptions) {
  let scores: Map<number, number> | null = null;
  return (predictions: readonly Prediction[]): Prediction[] => {
    const before = scores;
    const averaged = predictions.map((it) => {
      const past = before?.get(it.index);
      return past === undefined ? it : { ...it, score: smooth * past + (1 - smooth) * it.score };
    });
    scores = new Map(averaged.map(({ index, score }) => [index, score]));
    return averaged
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, topK)
      .filter(({ score }) => score >= minScore);
  };
}
