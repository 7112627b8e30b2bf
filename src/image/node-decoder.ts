// The process that decodes pictures for Node: started and killed by decoder-process.ts.
import { readFileSync } from "node:fs";
import { SourceError } from "../errors.js";
import { readRegularSync } from "../host/regular-file.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { decodeEncoded, scaleFor } from "./decode-encoded.js";
import { Resizer } from "./fast-resize.js";
import { frame as framed, MAX_SPEC_BYTES, PICTURE, Unframer } from "./framing.js";
import { checkSize, readHeader } from "./header.js";
import { OwnJpegs } from "./own-jpeg.js";
import { type Planes, rowsOfPlanes } from "./planes.js";
import { type CropSpec, cropped, croppedBy, frame } from "./preprocess.js";
import { resize, resizeTables } from "./resize.js";

const send = (numbers: readonly [number, number, number], body: Uint8Array) => {
  process.stdout.write(framed(numbers, body.length));
  process.stdout.write(body);
};

/** A module that lies beside this file; null where it is missing. */
function moduleOf(name: string): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(readFileSync(new URL(`./${name}.wasm`, import.meta.url)));
  } catch {
    return null;
  }
}

interface Own {
  readonly resizer: Resizer | null;
  readonly jpegs: OwnJpegs | null;
}

/** Loaded with the first picture that is cropped. */
let loaded: Own | null = null;

function load(): Own {
  const [pixels, jpeg] = [moduleOf("pixels"), moduleOf("jpeg")];
  return { resizer: pixels && new Resizer(pixels), jpegs: jpeg && new OwnJpegs(jpeg) };
}

/** Bytes between the passes of a resize; the module of pixels has room for them and a picture. */
const MOST_BETWEEN = 128 << 20;

/** A plain JPEG's planes; null for all else, for JPEGs that are to shrink while they are decoded, and for pictures of odd sides. */
function planesOf(encoded: Uint8Array, spec: CropSpec, { jpegs, resizer }: Own): Planes | null {
  if (!jpegs || !resizer) return null;
  return jpegs.planes(encoded, (size) => {
    checkSize(size, PICTURE);
    if (spec.fast && scaleFor(size, spec) > 1) return null;
    const { width, height, region } = frame(size, spec);
    const { left, top, right, bottom } = resizeTables(size, width, height, region, spec.interpolation);
    if (3 * region.width * (bottom - top) > MOST_BETWEEN) return null;
    return { x: left, y: top, width: right - left, height: bottom - top };
  });
}

/** Where there is no sharp, decoding says so. */
let sharp: Promise<typeof import("sharp").default | null> | undefined;

/** Of fewer pixels, sharp's threads take more of both cores' time, and no less of the clock's, than one alone. */
const FEW_PIXELS = 3e6;

async function useThreads(encoded: Uint8Array): Promise<void> {
  const { width, height } = readHeader(encoded, PICTURE);
  // Each picture comes once.
  sharp ??= import("sharp").then(({ default: sharp }) => sharp.cache(false) && sharp).catch(() => null);
  // 0: as many as sharp takes by itself.
  (await sharp)?.concurrency(width * height < FEW_PIXELS ? 1 : 0);
}

async function decode(encoded: Uint8Array, spec?: CropSpec) {
  await useThreads(encoded);
  return decodeEncoded(encoded, PICTURE, null, spec);
}

const microseconds = (ms: number) => Math.round(1000 * ms);

const requests = new Unframer(MAX_IMAGE_BYTES + MAX_SPEC_BYTES, async ([specBytes, isPath], body) => {
  try {
    const given = body.subarray(specBytes!);
    // Pictures come one by one: nobody else waits meanwhile.
    const encoded = isPath ? readRegularSync(Buffer.from(given), PICTURE, MAX_IMAGE_BYTES) : given;
    if (!specBytes) {
      const pixels = await decode(encoded);
      send([0, pixels.width, pixels.height], pixels.data as Uint8Array);
      return;
    }
    const start = performance.now();
    const spec: CropSpec = JSON.parse(new TextDecoder().decode(body.subarray(0, specBytes)));
    loaded ??= load();
    const { resizer } = loaded;
    const planes = planesOf(encoded, spec, loaded);
    const pixels = planes ? null : await decode(encoded, spec);
    const decoded = performance.now();
    let rgb: Uint8ClampedArray;
    if (pixels) rgb = cropped(pixels, spec, resizer?.resize ?? resize);
    else rgb = croppedBy(planes!.stored, spec, (...all) => resizer!.rows(rowsOfPlanes(planes!), ...all)!);
    const took = [decoded - start, performance.now() - decoded].map(microseconds);
    send([3, took[0]!, took[1]!], new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length));
  } catch (error) {
    send([1, error instanceof SourceError ? 1 : 0, 0], Buffer.from((error as Error).message));
  }
});

process.stdin.on("data", (bytes: Buffer) => requests.push(bytes));
// The process that started it is gone.
process.stdin.on("end", () => process.exit());
process.stdout.on("error", () => process.exit());
// The sign of life.
send([2, 0, 0], new Uint8Array(0));
