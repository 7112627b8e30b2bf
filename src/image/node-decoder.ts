// The process that decodes pictures for Node: started and killed by decoder-process.ts.
import { fstatSync, readFileSync } from "node:fs";
import { SourceError } from "../errors.js";
import { blockingCalls } from "../host/file-calls.js";
import { readRegular } from "../host/regular-file.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { writeMemory } from "./crop-memory.js";
import { decodeEncoded } from "./decode-encoded.js";
import { Resizer } from "./fast-resize.js";
import { frame, MAX_SPEC_BYTES, MEMORY, PICTURE, Unframer, WITH_MEMORY } from "./framing.js";
import { readHeader } from "./header.js";
import { type CropSpec, cropped } from "./preprocess.js";
import { resize } from "./resize.js";

const send = (numbers: readonly [number, number, number], body: Uint8Array) => {
  // In one call of the system.
  process.stdout.cork();
  process.stdout.write(frame(numbers, body.length));
  process.stdout.write(body);
  process.stdout.uncork();
};

/** Not every host hands files on to the processes that it starts. */
const hasMemory = process.argv.includes(WITH_MEMORY) && isFile(MEMORY);

function isFile(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor);
    return found.isFile() && found.nlink === 0;
  } catch {
    return false;
  }
}

function sendCrop(rgb: Uint8Array, decodeMs: number, cropMs: number): void {
  const isLeft = hasMemory && writeMemory(MEMORY, rgb);
  const [decode, crop] = [decodeMs, cropMs].map((ms) => Math.round(1000 * ms));
  send([isLeft ? 4 : 3, decode!, crop!], isLeft ? new Uint8Array(0) : rgb);
}

let resizer: typeof resize | null = null;

/** With the module of pixels that lies beside this file; without it where it is missing. */
function loadResizer(): typeof resize {
  try {
    return new Resizer(new WebAssembly.Module(readFileSync(new URL("./pixels.wasm", import.meta.url)))).resize;
  } catch {
    return resize;
  }
}

/** Each picture comes once. Where there is no sharp, decoding says so. */
const sharp = import("sharp").then(({ default: sharp }) => sharp.cache(false) && sharp).catch(() => null);

/** Of fewer pixels, sharp's threads take more of both cores' time, and no less of the clock's, than one alone. */
const FEW_PIXELS = 3e6;

async function useThreads(encoded: Uint8Array): Promise<void> {
  const { width, height } = readHeader(encoded, PICTURE);
  // 0: as many as sharp takes by itself.
  (await sharp)?.concurrency(width * height < FEW_PIXELS ? 1 : 0);
}

const requests = new Unframer(MAX_IMAGE_BYTES + MAX_SPEC_BYTES, async ([specBytes, isPath], body) => {
  try {
    const start = performance.now();
    const spec: CropSpec | undefined = specBytes
      ? JSON.parse(new TextDecoder().decode(body.subarray(0, specBytes)))
      : undefined;
    const given = body.subarray(specBytes!);
    const encoded = isPath
      ? await readRegular(Buffer.from(given), MAX_IMAGE_BYTES, null, PICTURE, blockingCalls)
      : given;
    await useThreads(encoded);
    const pixels = await decodeEncoded(encoded, PICTURE, null, spec);
    if (!spec) {
      send([0, pixels.width, pixels.height], pixels.data as Uint8Array);
      return;
    }
    const decoded = performance.now();
    resizer ??= loadResizer();
    const rgb = cropped(pixels, spec, resizer);
    sendCrop(new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length), decoded - start, performance.now() - decoded);
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
