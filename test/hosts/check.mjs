// Compares what a host answered with PyTorch's values (expected.py).
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const { scores, logits } = JSON.parse(await readFile(join(import.meta.dirname, "expected.json"), "utf8"));
const TOLERANCE = 1e-4;

/** Why an answer of probe.js is wrong; null where it is right. */
export function wrong(answer) {
  if (typeof answer !== "object" || answer === null) return `no answer but ${String(answer)}`;
  const apart = (found, expected) =>
    Math.max(...expected.map((value, at) => Math.abs(value - (found?.[at] ?? Number.NaN))));
  const scoreError = apart(answer.scores, scores);
  if (!(scoreError <= TOLERANCE)) return `scores ${scoreError} apart: ${answer.scores}`;
  if (answer.logits) {
    const error = apart(answer.logits, logits);
    if (!(error <= TOLERANCE)) return `logits ${error} apart: ${answer.logits}`;
  }
  // Hosts have different JPEG decoders.
  const { best } = answer;
  if (best && !(best.label === "cat" && Math.abs(best.score - 0.985) < 0.01))
    return `the cat is ${best.label}, ${best.score}`;
  return null;
}
