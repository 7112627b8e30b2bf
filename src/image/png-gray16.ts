import { ImageDecodeError } from "../errors.js";
import { pause } from "./pause.js";
import type { Pixels } from "./pixels.js";

/** Adam7's passes: first column and row, and the steps between them. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * A PNG of 16-bit grays as PIL's `convert("RGB")` has it: what is above 255 is white. Browsers show the high byte.
 */
export async function readGray16(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
  origin: string,
  signal?: AbortSignal | null,
): Promise<Pixels> {
  const passes = (bytes[28] ? PASSES : [[0, 0, 1, 1] as const])
    .map(([x, y, right, down]) => {
      const [across, lines] = [Math.ceil((width - x) / right), Math.ceil((height - y) / down)];
      return { x, y, right, down, stride: 2 * across + 1, lines };
    })
    .filter(({ stride, lines }) => stride > 1 && lines > 0);
  const total = passes.reduce((sum, { stride, lines }) => sum + stride * lines, 0);
  const stored = await inflate(chunks(bytes), total, origin, signal);
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (const { x, y, right, down, stride, lines } of passes) {
    let above: Uint8Array = new Uint8Array(stride - 1);
    for (let line = 0; line < lines; line++, at += stride) {
      if ((line & 1023) === 1023) await pause(signal);
      const row = stored.subarray(at + 1, at + stride);
      unfilter(row, above, stored[at]!);
      above = row;
      const to = (y + line * down) * width + x;
      for (let pixel = 0; 2 * pixel < row.length; pixel++) {
        const gray = row[2 * pixel] ? 255 : row[2 * pixel + 1]!;
        data.fill(gray, 3 * (to + pixel * right), 3 * (to + pixel * right + 1));
      }
    }
  }
  return { data, width, height, channels: 3 };
}

/** PNG's filters, undone in place; a pixel is two bytes. */
function unfilter(row: Uint8Array, above: Uint8Array, filter: number): void {
  for (let at = 0; at < row.length; at++) {
    const [left, up, corner] = [row[at - 2] ?? 0, above[at]!, above[at - 2] ?? 0];
    const guess = [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter] ?? 0;
    row[at] = row[at]! + guess;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The parts of the compressed pixels. */
function chunks(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 8 < bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49444154) found.push(bytes.slice(at + 8, at + 8 + view.getUint32(at)));
  }
  return found;
}

/** Exactly `length` bytes, however many more there may be. */
async function inflate(
  parts: Uint8Array<ArrayBuffer>[],
  length: number,
  origin: string,
  signal?: AbortSignal | null,
): Promise<Uint8Array> {
  const result = new Uint8Array(length);
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  try {
    for (let at = 0; at < length; ) {
      const { value, done } = await reader.read();
      signal?.throwIfAborted();
      if (done) throw new Error("it is cut off");
      result.set(value.subarray(0, length - at), at);
      at += value.length;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ImageDecodeError(`${origin} could not be decoded: ${(cause as Error).message}. Fetch it again.`, {
      cause,
    });
  } finally {
    reader.cancel().catch(() => {});
  }
  return result;
}
