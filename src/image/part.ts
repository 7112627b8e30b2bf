import { OptionError } from "../errors.js";
import type { ClassifyOptions, ImageRegion } from "../options.js";
import type { Pixels } from "./pixels.js";

/** A rectangle of an upright picture, then turned clockwise. Throws `OptionError` where it does not lie in the picture. */
export function partOf(pixels: Pixels, { region, rotation = 0 }: Pick<ClassifyOptions, "region" | "rotation">): Pixels {
  const part = region ? cut(pixels, region) : pixels;
  if (![0, 90, 180, 270].includes(rotation)) {
    throw new OptionError(`rotation is ${rotation}; it must be 0, 90, 180 or 270 degrees, clockwise.`);
  }
  return rotation === 0 ? part : turn(part, rotation);
}

function cut({ data, width, height, channels }: Pixels, region: ImageRegion): Pixels {
  const sides = [region.x, region.y, region.width, region.height];
  const fits = region.x + region.width <= width && region.y + region.height <= height;
  if (!sides.every((side) => Number.isInteger(side) && side >= 0) || region.width * region.height === 0 || !fits) {
    throw new OptionError(
      `The region ${JSON.stringify(region)} does not lie in the picture of ${width} x ${height}; it has x, y, width and height in whole pixels.`,
    );
  }
  const stride = region.width * channels;
  const part = new Uint8Array(stride * region.height);
  for (let y = 0; y < region.height; y++) {
    const from = ((region.y + y) * width + region.x) * channels;
    part.set(data.subarray(from, from + stride), y * stride);
  }
  return { data: part, width: region.width, height: region.height, channels };
}

function turn({ data, width, height, channels }: Pixels, rotation: number): Pixels {
  const [across, down] = rotation === 180 ? [width, height] : [height, width];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [fromX, fromY] =
        rotation === 90 ? [y, height - 1 - x] : rotation === 180 ? [width - 1 - x, height - 1 - y] : [width - 1 - y, x];
      const from = (fromY * width + fromX) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to++] = data[from + channel]!;
    }
  }
  return { data: turned, width: across, height: down, channels };
}
