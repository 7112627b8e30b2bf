import { expect, test } from "vitest";
import { rank } from "../../src/session/classify.js";
import { generator } from "../random.js";

test("the best classes are those of a plain sort, ties by index: any topK and minScore", () => {
  const next = generator(3);
  for (let trial = 0; trial < 60; trial++) {
    // Few values, so that many are equal.
    const logits = Float32Array.from({ length: 2 + Math.floor(200 * next()) }, () => Math.floor(20 * next()) / 4);
    const exp = Array.from(logits, (logit) => Math.exp(logit - Math.max(...logits)));
    const sum = exp.reduce((sum, it) => sum + it, 0);
    const scores = exp.map((it) => it / sum);
    const minScore = trial % 3 ? 0 : scores[0]!;
    for (const topK of [1, 1.5, 5, logits.length, 1e4, Number.POSITIVE_INFINITY]) {
      const expected = scores
        .map((score, index) => ({ index, score }))
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .slice(0, topK)
        .filter(({ score }) => score >= minScore);
      const found = rank(logits, null, { topK, minScore });
      expect(found.map(({ index, score }) => ({ index, score }))).toEqual(expected);
    }
  }
});
