import type { Platform } from "../base/platform.js";
import type { HeatMap } from "../options.js";
import { mostOf, shade, upsample } from "./draw.js";

type Canvas = Platform<"HTMLCanvasElement"> | Platform<"OffscreenCanvas">;
/** What a canvas can paint. */
type Drawn =
  | Canvas
  | Platform<"HTMLImageElement">
  | Platform<"HTMLVideoElement">
  | Platform<"ImageBitmap">
  | Platform<"VideoFrame">;

/**
 * Paints a heat map over what a canvas shows, stretched as the whole picture is; `image` is painted first, where one is given. Evidence for
 * the class is red to yellow, against it blue.
 */
export function drawHeatMap(canvas: Canvas, map: HeatMap, image?: Drawn): void {
  const { width, height } = canvas;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!context || width === 0 || height === 0) return;
  if (image) context.drawImage(image, 0, 0, width, height);
  const values = upsample(map, { width, height });
  const most = mostOf(map);
  const pixels = new ImageData(width, height);
  for (const [pixel, value] of values.entries()) {
    const [red, green, blue, cover] = shade(value, most);
    pixels.data.set([red, green, blue, Math.round(255 * cover)], 4 * pixel);
  }
  // A layer of its own: putImageData would replace what lies there.
  const layer = new OffscreenCanvas(width, height);
  layer.getContext("2d")!.putImageData(pixels, 0, 0);
  context.drawImage(layer, 0, 0);
}
