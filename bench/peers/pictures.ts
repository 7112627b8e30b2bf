import { readdir } from "node:fs/promises";
import sharp from "sharp";
import { isImageFile } from "../../src/image/decode-node.js";
import { preprocess } from "../../src/image/preprocess.js";
import type { Preprocess } from "../../src/options.js";

/** A folder's photographs, in the order of their names, as a network's inputs: NCHW. */
export async function readPictures(folder: string, spec: Preprocess): Promise<Float32Array[]> {
  const pictures: Float32Array[] = [];
  for (const name of (await readdir(folder)).filter(isImageFile).sort()) {
    const decoded = sharp(`${folder}/${name}`).toColourspace("srgb").removeAlpha().raw();
    const { data, info } = await decoded.toBuffer({ resolveWithObject: true });
    pictures.push(preprocess({ data, width: info.width, height: info.height, channels: 3 }, spec));
  }
  if (pictures.length === 0) throw new Error(`${folder} has no pictures`);
  return pictures;
}

/** Noise about a colour of each picture's own, as far from zero as normalised pictures are: NCHW. */
export function pseudoRandomPictures(count: number, channels: number, plane: number): Float32Array[] {
  let seed = 1;
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed / 2 ** 31;
  };
  return Array.from({ length: count }, () => {
    const colour = Float32Array.from({ length: channels }, () => 1.5 * next());
    return Float32Array.from({ length: channels * plane }, (_, at) => colour[Math.floor(at / plane)]! + next());
  });
}
