import { type Spread, spreadOf } from "../../src/bench/statistics.js";
import type { Opened } from "../../src/bench/turns.js";
import type { Network } from "../../src/graph/network.js";
import { decodeInBrowser } from "../../src/image/decode-browser.js";
import { preprocess } from "../../src/image/index.js";
import { preprocessFor } from "../../src/model/index.js";

/** Lie beside the page. */
export const PICTURES = ["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"];
/** Of each picture, in turns; one more comes first, and does not count. */
const ROUNDS = 6;

export interface PictureEngine extends Opened {
  run(input?: Float32Array): Promise<unknown>;
}

export interface PictureTimes {
  readonly decode: Spread;
  readonly preprocess: Spread;
  readonly inference: Spread;
  readonly whole: Spread;
}

/** Pictures from their files' bytes to logits, one at a time. Throws where one cannot be had. */
export async function timePictures(
  network: Network,
  engine: PictureEngine,
  onPicture: (detail: string, share: number) => void,
): Promise<PictureTimes> {
  const files = await Promise.all(
    PICTURES.map(async (name) => {
      const answer = await fetch(new URL(`./photos/${name}`, import.meta.url));
      if (!answer.ok) throw new Error(`${name} could not be fetched: ${answer.status}`);
      return answer.blob();
    }),
  );
  const spec = preprocessFor(network, { preprocess: {} });
  const [decode, prepare, inference, whole]: number[][] = [[], [], [], []];
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, file] of files.entries()) {
      onPicture(PICTURES[index]!, (round + 1) / (ROUNDS + 1));
      const start = performance.now();
      const pixels = await decodeInBrowser(file, null, () => import("../../src/image/own.js"));
      const decoded = performance.now();
      const input = preprocess(pixels, spec);
      const prepared = performance.now();
      await engine.run(input);
      const end = performance.now();
      if (round < 0) continue;
      decode!.push(decoded - start);
      prepare!.push(prepared - decoded);
      inference!.push(end - prepared);
      whole!.push(end - start);
    }
  }
  return {
    decode: spreadOf(decode!),
    preprocess: spreadOf(prepare!),
    inference: spreadOf(inference!),
    whole: spreadOf(whole!),
  };
}
