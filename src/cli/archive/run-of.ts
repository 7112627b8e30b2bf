import { createHash } from "node:crypto";
import { openModel } from "../../host/model-files.js";
import type { Wanted } from "./answering.js";

/** Hexadecimal digits of each half. */
const DIGITS = 12;

/**
 * Names the model and the options that decide on results, so that a file of results is not gone on with by others:
 * "model-options", a hash each. A model is told by its bytes; one at an address, by that address.
 */
export async function runOf({ source, load, ranked, logits }: Wanted): Promise<string> {
  const { architecture, preprocess, labels, inputSize, precision, decode = "exact" } = load;
  const { topK, minScore } = ranked;
  const options = { architecture, preprocess, labels, inputSize, precision, decode, topK, minScore, logits };
  const model = createHash("sha256");
  if (/^(https?|data|blob):/i.test(`${source}`)) model.update(`${source}`);
  else {
    const opened = await openModel(source, null);
    if ("bytes" in opened) model.update(opened.bytes);
    else for (let piece = await opened.body.next(); piece; piece = await opened.body.next()) model.update(piece);
    model.update(JSON.stringify(opened.files ?? []));
  }
  const rest = createHash("sha256").update(JSON.stringify(options));
  return [model, rest].map((hash) => hash.digest("hex").slice(0, DIGITS)).join("-");
}
