import type { Pixels } from "./pixels.js";
import { readTiles, type Tile } from "./tiles.js";

const straight = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;

/** Reads a part of a bitmap's RGBA without multiplying by alpha; null where this browser cannot do it so. */
type Reader = (bitmap: ImageBitmap, tile: Tile) => Promise<Uint8ClampedArray | null>;

/** A PNG of one pixel, and its nearly transparent colour: what is lost on the way does not come back. */
const SAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mM4kWLECAAEtgFgJ6CDyQAAAABJRU5ErkJggg==";
const COLOUR = [200, 100, 50, 1];

/**
 * The pixels of a translucent bitmap with the colours under its alpha, which a 2D canvas loses; null where no way to read them
 * keeps them.
 */
export async function readStraight(bitmap: ImageBitmap, signal?: AbortSignal | null): Promise<Pixels | null> {
  const reader = await findReader();
  if (!reader) return null;
  const read = async (tile: Tile) => {
    const data = await reader(bitmap, tile);
    if (!data) throw new Error("lost");
    return data;
  };
  return readTiles(bitmap, read, signal).catch((error) => {
    if (signal?.aborted) throw error;
    return null;
  });
}

/** The first reader that gets the sample right. */
async function findReader(): Promise<Reader | undefined> {
  const bytes = Uint8Array.from(atob(SAMPLE), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }), straight);
  try {
    for (const reader of [byWebGl, byVideoFrame]) {
      const found = await reader(bitmap, { x: 0, y: 0, width: 1, height: 1 }).catch(() => null);
      if (found && COLOUR.every((value, at) => found[at] === value)) return reader;
    }
  } finally {
    bitmap.close();
  }
  return undefined;
}

const byWebGl: Reader = async (bitmap, { x, y, width, height }) => {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  if (!gl) return null;
  const whole = width === bitmap.width && height === bitmap.height;
  const tile = whole ? bitmap : await createImageBitmap(bitmap, x, y, width, height, straight);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, tile);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const data = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
  const failed = gl.getError();
  // A page may have few contexts at a time.
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  if (!whole) tile.close();
  return failed ? null : new Uint8ClampedArray(data.buffer);
};

const byVideoFrame: Reader = async (bitmap, rect) => {
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  try {
    const options = { format: "RGBA", rect } as const;
    const data = new Uint8Array(frame.allocationSize(options));
    await frame.copyTo(data, options);
    return new Uint8ClampedArray(data.buffer);
  } finally {
    frame.close();
  }
};
