import { rank } from "../classify.js";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host-node.js";
import { decodeFile } from "../image/decode-node.js";
import { preprocess } from "../image/index.js";
import { openInPlace } from "../session.js";
import { listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { showProgress } from "./progress.js";

/** Prints the classes of images; an image that fails is reported, and the rest go on. */
export async function classify(names: string[], options: Options): Promise<number> {
  const images = await listImages(names);
  const topK = options["top-k"] === undefined ? 5 : number(options, "top-k");
  const minScore = options["min-score"] === undefined ? 0 : Number(options["min-score"]);
  if (!(minScore >= 0 && minScore <= 1)) {
    throw new OptionError(`--min-score is "${options["min-score"]}"; it must lie between 0 and 1.`);
  }
  const session = await openInPlace(nodeHost, modelOf(options), {
    ...(await loadOptions(options)),
    onProgress: ({ phase, loaded, total }) =>
      showProgress(`${phase} ${total ? Math.floor((100 * loaded) / total) : 0} %`),
  });
  let failed = 0;
  for (const [index, image] of images.entries()) {
    showProgress(`${index + 1} of ${images.length}: ${image}`);
    try {
      const start = performance.now();
      const pixels = await decodeFile(image);
      const decoded = performance.now();
      const input = preprocess(pixels, session.preprocess);
      const prepared = performance.now();
      const logits = await session.run(input);
      const done = performance.now();
      const predictions = rank(logits, session.labels, { topK, minScore });
      showProgress("");
      if (options.json) {
        const ms = {
          decode: ms3(decoded - start),
          preprocess: ms3(prepared - decoded),
          inference: ms3(done - prepared),
        };
        const line = { image, predictions, ms, ...(options.logits ? { logits: Array.from(logits) } : {}) };
        process.stdout.write(`${JSON.stringify(line)}\n`);
      } else {
        process.stdout.write(`${image}  (${(done - prepared).toFixed(1)} ms)\n`);
        for (const { label, score } of predictions) {
          process.stdout.write(`  ${(100 * score).toFixed(1).padStart(5)} %  ${label}\n`);
        }
        if (options.logits)
          process.stdout.write(`  logits ${Array.from(logits, (value) => value.toFixed(4)).join(" ")}\n`);
      }
    } catch (error) {
      failed++;
      showProgress("");
      const { name, message } = error as Error;
      if (options.json) process.stdout.write(`${JSON.stringify({ image, error: { name, message } })}\n`);
      else process.stderr.write(`${image}: ${name}: ${message}\n`);
    }
  }
  await session.close();
  return failed ? 1 : 0;
}

function ms3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
