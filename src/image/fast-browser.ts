// Pictures in browsers by the module of pixels. JPEGs are had as the planes that they are made of, which browsers decode in less than half
// the time that RGB takes; video frames no further than a network sees. All else is decoded as decode-browser.ts does.

import { isKind } from "../base/kind.js";
import { MAX_IMAGE_BYTES, MAX_PIXELS } from "../limits.js";
import type { ClassifyOptions } from "../options.js";
import { asShown } from "./as-shown.js";
import type { LoadOwn } from "./bitmap.js";
import type { Crop } from "./crop.js";
import { decodeInBrowser } from "./decode-browser.js";
import { Resizer, type Rows, rowsOf } from "./fast-resize.js";
import { orGivenUp } from "./give-up.js";
import { readJpeg } from "./jpeg.js";
import type { BrowserImage } from "./kinds.js";
import { rowsOfPlanes, storedPart, upright, withMargin } from "./planes.js";
import { both, type CropSpec, cropped, croppedBy, frame } from "./preprocess.js";
import { type Region, resizeTables, type Size } from "./resize.js";

/** What the planes of a JPEG are called, and whether chroma has half the columns, and half the rows. */
const formats: Readonly<Record<string, readonly [across: boolean, down: boolean]>> = {
  I420: [true, true],
  I422: [true, false],
  I444: [false, false],
};
/** libjpeg spreads the chroma of narrower pictures otherwise. */
const LEAST_WIDTH = 8;
/** A buffer of that size is kept for the next picture: fresh memory takes longer than to fill it. */
const KEPT_BYTES = 4 << 20;

type Part = Pick<ClassifyOptions, "region" | "rotation">;

/** What it asks of a host. */
interface Opens {
  wasm(variant: "pixels"): Promise<WebAssembly.Module>;
  readonly loadOwnPictures?: LoadOwn;
}

/** Rejects where the module of pixels cannot be had. */
export async function open(host: Opens): Promise<FastPictures> {
  return new FastPictures(await host.wasm("pixels"), host.loadOwnPictures!);
}

export class FastPictures {
  readonly #resizer: Resizer;
  #spare: Uint8Array | null = null;

  constructor(
    module: WebAssembly.Module,
    private readonly loadOwn: LoadOwn,
  ) {
    this.#resizer = new Resizer(module);
  }

  /** As `Host.crop`. */
  async crop(
    given: BrowserImage | Crop,
    specs: readonly CropSpec[],
    signal?: AbortSignal | null,
    part?: Part,
  ): Promise<Uint8ClampedArray[]> {
    const { crop } = Object(given) as Partial<Crop>;
    if (specs.length === 1 && isCropOf(crop, specs[0]!)) return [crop];
    const image = given as BrowserImage;
    const found = part ? null : await this.#direct(image, specs, signal);
    if (found) return found;
    let pixels = await decodeInBrowser(image, signal, this.loadOwn);
    if (part) pixels = (await import("./part.js")).partOf(pixels, part);
    return specs.map((spec) => cropped(pixels, spec, this.#resizer.resize));
  }

  /** By a way that not every browser and picture has; null where it failed, which says nothing of the picture. */
  async #direct(
    image: BrowserImage,
    specs: readonly CropSpec[],
    signal: AbortSignal | null | undefined,
  ): Promise<Uint8ClampedArray[] | null> {
    try {
      if (isKind(image, "Blob", "File")) return await this.#jpeg(image, specs, signal);
      return isKind(image, "ImageBitmap", "VideoFrame") ? await this.#frame(image, specs) : null;
    } catch (error) {
      if (signal?.aborted) throw error;
      return null;
    }
  }

  async #jpeg(blob: Blob, specs: readonly CropSpec[], signal?: AbortSignal | null) {
    if (typeof ImageDecoder === "undefined" || blob.size > MAX_IMAGE_BYTES) return null;
    const data = new Uint8Array(await blob.arrayBuffer());
    const header = readJpeg(data);
    if (!header || header.width < LEAST_WIDTH || header.width * header.height > MAX_PIXELS) return null;
    const decoder = new ImageDecoder({ type: "image/jpeg", data, colorSpaceConversion: "none" });
    const decoding = decoder.decode();
    try {
      const { image: picture, complete } = await orGivenUp(decoding, signal, () =>
        decoding.then((late) => late.image.close()).catch(() => {}),
      );
      try {
        const { format, visibleRect, colorSpace } = picture;
        const spread = formats[format ?? ""];
        const asStored = visibleRect?.width === header.width && visibleRect.height === header.height;
        const isJfif = colorSpace.fullRange && colorSpace.matrix === "smpte170m";
        if (!complete || !spread || !asStored || !isJfif) return null;
        return await this.#planes(picture, header, spread, specs);
      } finally {
        picture.close();
      }
    } finally {
      decoder.close();
    }
  }

  async #planes(
    picture: VideoFrame,
    { orientation, ...stored }: NonNullable<ReturnType<typeof readJpeg>>,
    [across, down]: readonly [boolean, boolean],
    specs: readonly CropSpec[],
  ) {
    const seen = seenOf(upright(stored, orientation), specs);
    const part = withMargin(storedPart(seen, stored, orientation), stored);
    return this.#copied(picture, { rect: part }, (data, layout) =>
      this.#all(rowsOfPlanes({ data, layout, across, down, stored, part, orientation }), specs),
    );
  }

  /** A frame's or an opaque bitmap's pixels as the browser has them in RGB. */
  async #frame(image: VideoFrame | ImageBitmap, specs: readonly CropSpec[]) {
    if (typeof VideoFrame === "undefined") return null;
    const isFrame = isKind(image, "VideoFrame");
    const picture = isFrame ? image : new VideoFrame(image, { timestamp: 0 });
    try {
      const { displayWidth: width, displayHeight: height, format } = picture;
      if (!asShown(picture, { width, height }) || (!isFrame && !/X$/.test(format ?? ""))) return null;
      const { x, y } = picture.visibleRect!;
      const part = withMargin(seenOf({ width, height }, specs), { width, height });
      const rect = { ...part, x: x + part.x, y: y + part.y };
      return await this.#copied(picture, { rect, format: "RGBA", colorSpace: "srgb" }, (data, [plane]) =>
        this.#all(rowsOf({ data, width, height, channels: 4 }, part, plane!.stride), specs),
      );
    } finally {
      if (!isFrame) picture.close();
    }
  }

  /** What `use` makes of a copy of a part of the picture. */
  async #copied<T>(
    picture: VideoFrame,
    options: VideoFrameCopyToOptions,
    use: (data: Uint8Array, layout: readonly PlaneLayout[]) => T,
  ): Promise<T> {
    const size = picture.allocationSize(options);
    const spare = this.#spare;
    // Nobody else's while it is filled.
    this.#spare = null;
    const buffer = spare && spare.length >= size ? spare : new Uint8Array(size);
    const layout = await picture.copyTo(buffer, options);
    const result = use(buffer.subarray(0, size), layout);
    if (buffer.length <= KEPT_BYTES) this.#spare = buffer;
    return result;
  }

  #all(rows: Rows, specs: readonly CropSpec[]): Uint8ClampedArray[] {
    return specs.map((spec) =>
      croppedBy(rows, spec, (...all) => {
        const result = this.#resizer.rows(rows, ...all);
        if (!result) throw new Error("no memory");
        return result;
      }),
    );
  }
}

/** Whether it is a finished crop of that size, not a property of a caller's own object. */
function isCropOf(crop: unknown, spec: CropSpec): crop is Uint8ClampedArray {
  const { width, height } = both(spec.crop);
  return isKind(crop, "Uint8ClampedArray") && crop.length === 3 * width * height;
}

/** What of an upright picture is needed for all of these. */
function seenOf(size: Size, specs: readonly CropSpec[]): Region {
  const all = specs.map((spec) => {
    const { width, height, region } = frame(size, spec);
    return resizeTables(size, width, height, region, spec.interpolation);
  });
  const x = Math.min(...all.map(({ left }) => left));
  const y = Math.min(...all.map(({ top }) => top));
  const right = Math.max(...all.map((it) => it.right));
  const bottom = Math.max(...all.map((it) => it.bottom));
  return { x, y, width: right - x, height: bottom - y };
}
