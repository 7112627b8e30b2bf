import type { Preprocess } from "resnet-edge";

/** The longest side that is drawn: more than any screen shows of it, and less than phones refuse. */
const LONGEST = 1600;

/** Draws a picture in its own ratio, and says its name to those who do not see it. */
export function drawPicture(canvas: HTMLCanvasElement, bitmap: ImageBitmap, name: string): void {
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", name);
}

/** A part of a picture, as shares of its width and height. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What of a picture of these pixels the network is given: the crop, in the picture's own terms. */
export function seenPart(width: number, height: number, { crop, resize, mode }: Preprocess): Part {
  const [cropHeight, cropWidth] = typeof crop === "number" ? [crop, crop] : crop;
  if (typeof resize !== "number" || mode === "squash" || mode === "border") {
    return { left: 0, top: 0, width: 1, height: 1 };
  }
  const scale = resize / Math.min(width, height);
  const [partWidth, partHeight] = [
    Math.min(1, cropWidth / (width * scale)),
    Math.min(1, cropHeight / (height * scale)),
  ];
  return { left: (1 - partWidth) / 2, top: (1 - partHeight) / 2, width: partWidth, height: partHeight };
}

/**
 * Lays `frame` over the part of a picture that the network sees. The picture lies within `box` as `object-fit: contain` puts it;
 * `width` and `height` are its own pixels.
 */
export function placeFrame(
  frame: HTMLElement,
  box: HTMLElement,
  width: number,
  height: number,
  preprocess: Preprocess,
) {
  const { clientWidth, clientHeight } = box;
  const scale = Math.min(clientWidth / width, clientHeight / height);
  const part = seenPart(width, height, preprocess);
  const { style } = frame;
  style.left = `${(clientWidth - width * scale) / 2 + part.left * width * scale}px`;
  style.top = `${(clientHeight - height * scale) / 2 + part.top * height * scale}px`;
  style.width = `${part.width * width * scale}px`;
  style.height = `${part.height * height * scale}px`;
}
