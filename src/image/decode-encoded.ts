import { ImageDecodeError } from "../errors.js";
import { MAX_PIXELS } from "../limits.js";
import { readBmp } from "./bmp.js";
import { readGif } from "./gif.js";
import { checkSize, readHeader } from "./header.js";
import { readJpeg } from "./jpeg.js";
import type { Pixels } from "./pixels.js";
import { type CropSpec, frame } from "./preprocess.js";

let loading: Promise<typeof import("sharp")> | undefined;

/**
 * Decodes the first frame in this thread, upright by its EXIF orientation, in RGB as PIL's `convert("RGB")` has it: colour
 * profiles are not applied, colours under alpha stay, CMYK is converted without a profile, grays above 8 bits are cut at 255. `spec`: how
 * it will be cropped, where that allows for a smaller picture.
 */
export async function decodeEncoded(
  bytes: Uint8Array,
  origin: string,
  signal?: AbortSignal | null,
  spec?: CropSpec,
): Promise<Pixels> {
  const header = readHeader(bytes, origin);
  if (header.format === "GIF") return readGif(bytes, origin, signal);
  if (header.format === "BMP") return readBmp(bytes, header, origin);
  // Once: `import()` goes through the module loader each time.
  loading ??= import("sharp");
  const { default: sharp } = await loading.catch((cause) => {
    const reason = (cause as Error).message.split("\n")[0];
    throw new ImageDecodeError(
      `${origin} could not be decoded: the npm package sharp, which decodes pictures in Node, cannot be loaded (${reason}). Run npm install sharp on this machine.`,
      { cause },
    );
  });
  try {
    const jpeg = header.format === "JPEG" && !spec?.fast ? readJpeg(bytes) : null;
    const input = { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", ignoreIcc: true } as const;
    if (jpeg?.orientation === 1) {
      // As it is decoded: nothing to ask for before, nor to do after.
      checkSize(jpeg, origin);
      const { data, info } = await raw(sharp(bytes, input));
      if (info.channels === 3) return toPixels(data, info);
    }
    const { space, width, height, autoOrient } = await sharp(bytes, input).metadata();
    checkSize({ width, height }, origin);
    const upright = sharp(bytes, input).rotate();
    const scale = spec?.fast && header.format === "JPEG" && space === "srgb" ? scaleFor(autoOrient, spec) : 1;
    // Of just this size, sharp has the decoder shrink, and resizes nothing.
    const [across, down] = [Math.ceil(autoOrient.width / scale), Math.ceil(autoOrient.height / scale)];
    const image = scale > 1 ? upright.resize(across, down, { fit: "fill", kernel: "linear" }) : upright;
    if (space === "cmyk") {
      const { data, info } = await raw(image.pipelineColourspace("cmyk").toColourspace("cmyk"));
      return toPixels(fromCmyk(data, info.channels), info);
    }
    if (space === "grey16") {
      const { data, info } = await raw(image.pipelineColourspace("grey16").toColourspace("grey16"), "ushort");
      const grays = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
      return toPixels(fromGray16(grays, info.channels), info);
    }
    const { data, info } = await raw(image.removeAlpha().toColourspace("srgb"));
    return toPixels(data, info);
  } catch (cause) {
    if (cause instanceof ImageDecodeError) throw cause;
    const reason = (cause as Error).message.split("\n")[0]!.replace(/\.$/, "");
    throw new ImageDecodeError(
      `${origin} could not be decoded: ${reason}. It is damaged or cut off, or of a kind that sharp lacks; fetch it again, or save it as PNG.`,
      { cause },
    );
  }
}

/** How much smaller a JPEG may be decoded: what its decoder does by 2, 4 and 8, to no less than twice the size after the resize. */
export function scaleFor(size: { readonly width: number; readonly height: number }, spec: CropSpec): number {
  const { width, height } = frame(size, spec);
  return [8, 4, 2].find((it) => size.width >= 2 * it * width && size.height >= 2 * it * height) ?? 1;
}

function raw(image: import("sharp").Sharp, depth: "uchar" | "ushort" = "uchar") {
  return image.raw({ depth }).toBuffer({ resolveWithObject: true });
}

function toPixels(data: Uint8Array, { width, height }: { width: number; height: number }): Pixels {
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels: 3 };
}

/** PIL's conversion: a colour's light is what its ink and black leave of it. */
function fromCmyk(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const result = new Uint8Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const light = 255 - data[pixel * channels + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = data[pixel * channels + channel]! * light + 128;
      result[3 * pixel + channel] = light - (((product >> 8) + product) >> 8);
    }
  }
  return result;
}

/** PIL reads gray alone as 16 bits and cuts it at 255; beside alpha it takes the high byte. */
function fromGray16(data: Uint16Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const result = new Uint8Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = data[pixel * channels]!;
    result.fill(channels === 1 ? Math.min(255, value) : value >> 8, 3 * pixel, 3 * pixel + 3);
  }
  return result;
}
