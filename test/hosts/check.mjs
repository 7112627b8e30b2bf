// Compares what a host answered with PyTorch's values (expected.py).
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const { integers, float } = JSON.parse(await readFile(join(import.meta.dirname, "expected.json"), "utf8"));
const TOLERANCE = 1e-4;
/** Of the cat's score: hosts have different JPEG decoders, and a value on the border of two integers may become either. */
const CAT_TOLERANCE = 0.02;

/** Why an answer of probe.js is wrong; null where it is right. */
export function wrong(answer) {
  if (typeof answer !== "object" || answer === null) return `no answer but ${String(answer)}`;
  const apart = (found, expected) =>
    Math.max(...expected.map((value, at) => Math.abs(value - (found?.[at] ?? Number.NaN))));
  const compared = { scores: integers.scores };
  if (answer.logits) Object.assign(compared, { logits: integers.logits, floatLogits: float.logits });
  for (const [name, expected] of Object.entries(compared)) {
    const error = apart(answer[name], expected);
    if (!(error <= TOLERANCE)) return `${name} ${error} apart: ${answer[name]}`;
  }
  const { best } = answer;
  const cat = integers.photos["cat.jpg"][0];
  if (best && !(best.label === cat.label && Math.abs(best.score - cat.score) < CAT_TOLERANCE))
    return `the cat is ${best.label}, ${best.score}`;
  return null;
}
