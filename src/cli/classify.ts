import { readFile } from "node:fs/promises";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { decodeBytes, decodeFile, prepareDecoder } from "../image/decode-node.js";
import { preprocess } from "../image/index.js";
import type { ClassifyOptions } from "../options.js";
import { openInPlace } from "../session/open.js";
import type { SessionInPlace } from "../session/session.js";
import { type ListedImage, listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { complain, reason, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";

/** Prints the classes of images; an image that fails is reported, and the rest go on. */
export async function classify(names: string[], options: Options): Promise<number> {
  const images = await listImages(names);
  const topK = options["top-k"] === undefined ? 5 : number(options, "top-k");
  const minScore = options["min-score"] === undefined ? undefined : Number(options["min-score"]);
  if (Number.isNaN(minScore)) throw new OptionError(`--min-score is "${options["min-score"]}"; it must be a number.`);
  const report = ({ name: image }: ListedImage, error: unknown) => {
    showProgress("");
    const { name, message } = reason(error);
    if (options.json) sayJson({ image, error: { name, message } });
    else complain(`${image}: ${name}: ${message}`);
  };
  prepareDecoder();
  const session = await openInPlace(nodeHost, modelOf(options), {
    ...(await loadOptions(options)),
    onProgress: ({ phase, loaded, total }) =>
      showProgress(`${phase} ${total ? Math.floor((100 * loaded) / total) : 0} %`),
  });
  let failed = 0;
  try {
    // What no image can be answered with, before the first is decoded.
    session.checkClasses();
    session.startWatch();
    session.rank(new Float32Array(session.classes), { topK, minScore });
    for (const [index, image] of images.entries()) {
      showProgress(`${index + 1} of ${images.length}: ${image.name}`);
      try {
        if (image.error) throw image.error;
        await classifyOne(session, image, { topK, minScore }, options);
      } catch (error) {
        failed++;
        report(image, error);
      }
    }
  } finally {
    showProgress("");
    for (const doubt of session.doubts) complain(`doubt: ${doubt}`);
    await session.close();
  }
  return failed ? 1 : 0;
}

async function classifyOne(
  session: SessionInPlace,
  { name, path }: ListedImage,
  ranked: ClassifyOptions,
  options: Options,
): Promise<void> {
  const start = performance.now();
  const pixels = typeof path === "string" ? await decodeFile(path) : await decodeBytes(await readFile(path), name);
  const decoded = performance.now();
  const input = preprocess(pixels, session.preprocess);
  const prepared = performance.now();
  const logits = await session.run(input);
  const done = performance.now();
  const predictions = session.rank(logits, ranked);
  showProgress("");
  if (options.json) {
    const ms = { decode: ms3(decoded - start), preprocess: ms3(prepared - decoded), inference: ms3(done - prepared) };
    sayJson({ image: name, predictions, ms, ...(options.logits ? { logits: Array.from(logits) } : {}) });
    return;
  }
  say(`${name}  (${(done - prepared).toFixed(1)} ms)`);
  const isShare = session.network.architecture.scores !== "none";
  for (const { label, score } of predictions) {
    say(
      isShare ? `  ${(100 * score).toFixed(1).padStart(5)} %  ${label}` : `  ${score.toFixed(4).padStart(9)}  ${label}`,
    );
  }
  if (options.logits) say(`  logits ${Array.from(logits, (value) => value.toFixed(4)).join(" ")}`);
}

function ms3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
