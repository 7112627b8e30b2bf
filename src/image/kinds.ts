import type { Platform } from "../base/platform.js";

/** Whatever a page has an image in. Raw pixels are RGBA or RGB bytes. */
export type BrowserImage =
  | Blob
  | Platform<"ImageData">
  | Platform<"ImageBitmap">
  | Platform<"HTMLImageElement">
  | Platform<"HTMLVideoElement">
  | Platform<"HTMLCanvasElement">
  | Platform<"OffscreenCanvas">
  | Platform<"VideoFrame">
  | RawPixels;

/** Of one byte a channel, rows from the top; RGBA or RGB by their number. */
export interface RawPixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

/**
 * A path, a file URL, an encoded file's bytes, or raw pixels. With `module: "node16"` TypeScript reads Node's types for a page's code as
 * well, so they name what a page has images in; Node's own decoder refuses that when it runs.
 */
export type NodeImage = string | URL | Uint8Array | ArrayBuffer | BrowserImage;
