import { type Spread, spreadOf } from "../../bench/statistics.js";
import type { CpuEngine } from "../../cpu/engine.js";
import { cropBytes, prepareDecoder } from "../../image/decode-node.js";
import { normalised } from "../../image/index.js";
import type { Preprocess } from "../../options.js";
import { listImages, readListed } from "../images.js";
import { showProgress } from "../progress.js";

/** Real pictures from their files' bytes to logits, one at a time. */
export interface EndToEnd {
  readonly pictures: readonly string[];
  /** Decoding, resizing and cropping; in a process of its own, as everywhere in Node. */
  readonly decode: Spread;
  /** Normalising, and laying out. */
  readonly preprocess: Spread;
  readonly inference: Spread;
  /** All of it, not their sum: each has a median of its own. */
  readonly whole: Spread;
}

/** Every picture `runs` times, in turns. A picture that cannot be read throws its own error. */
export async function endToEnd(
  engine: CpuEngine,
  names: readonly string[],
  { runs, spec }: { readonly runs: number; readonly spec: Preprocess },
): Promise<EndToEnd> {
  const images = await listImages(names);
  const failed = images.find(({ error }) => error);
  if (failed) throw failed.error;
  prepareDecoder();
  const files = await Promise.all(images.map(readListed));
  const last = engine.network.stages.length - 1;
  const times = {
    decode: [] as number[],
    preprocess: [] as number[],
    inference: [] as number[],
    whole: [] as number[],
  };
  // The first round starts the decoder, and does not count.
  for (let run = -1; run < runs; run++) {
    showProgress(`pictures: run ${run + 2} of ${runs + 1}`);
    for (const [index, bytes] of files.entries()) {
      const start = performance.now();
      const { rgb } = await cropBytes(bytes, spec, images[index]!.name);
      const decoded = performance.now();
      const input = normalised(rgb, spec);
      const prepared = performance.now();
      await engine.run(0, last, input);
      const end = performance.now();
      if (run < 0) continue;
      times.decode.push(decoded - start);
      times.preprocess.push(prepared - decoded);
      times.inference.push(end - prepared);
      times.whole.push(end - start);
    }
  }
  showProgress("");
  return {
    pictures: images.map(({ name }) => name),
    decode: spreadOf(times.decode),
    preprocess: spreadOf(times.preprocess),
    inference: spreadOf(times.inference),
    whole: spreadOf(times.whole),
  };
}
