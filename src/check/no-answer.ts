import { NumericError } from "../errors.js";

/** The error for logits of image `index` of `count`, of which some are NaN or infinite. */
export function noAnswer(logits: Float32Array, input: unknown, origin: string, index = 0, count = 1): NumericError {
  const at = logits.findIndex((logit) => !Number.isFinite(logit));
  const image = count > 1 ? ` of image ${index + 1} of ${count}` : "";
  const wrong = ArrayBuffer.isView(input) ? (input as Float32Array).findIndex((value) => !Number.isFinite(value)) : -1;
  const mend =
    wrong < 0
      ? "Its weights overflow f32, or the input is not normalised as in training: check mean, std and the file."
      : `Value ${wrong} of the input is ${(input as Float32Array)[wrong]}: check what it was made of.`;
  return new NumericError(`Logit ${at}${image} is ${logits[at]}, which is no answer of ${origin}. ${mend}`);
}
