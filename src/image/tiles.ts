import { pause } from "./pause.js";
import type { Pixels } from "./pixels.js";

/** A part of an image. */
export interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A canvas has limits of its own, beyond which it stays blank without a word: pixels are read in tiles of this size. */
const SIDE = 4096;

/** RGBA pixels of an image, of which `read` gives one tile. */
export async function readTiles(
  { width, height }: { readonly width: number; readonly height: number },
  read: (tile: Tile) => Uint8ClampedArray | Promise<Uint8ClampedArray>,
  signal?: AbortSignal | null,
): Promise<Pixels> {
  if (width <= SIDE && height <= SIDE)
    return { data: await read({ x: 0, y: 0, width, height }), width, height, channels: 4 };
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y += SIDE) {
    for (let x = 0; x < width; x += SIDE) {
      const tile = { x, y, width: Math.min(SIDE, width - x), height: Math.min(SIDE, height - y) };
      const part = await read(tile);
      const stride = 4 * tile.width;
      for (let row = 0; row < tile.height; row++)
        data.set(part.subarray(row * stride, (row + 1) * stride), 4 * ((y + row) * width + x));
      await pause(signal);
    }
  }
  return { data, width, height, channels: 4 };
}
