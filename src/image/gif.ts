import { ImageDecodeError } from "../errors.js";
import { checkSize } from "./header.js";
import { pause } from "./pause.js";
import type { Pixels } from "./pixels.js";

/** Pixels between two looks for an abort: some 20 ms. */
const SLICE = 1 << 20;

/**
 * The first frame of a GIF as PIL has it: transparent pixels keep their palette's colour, and what lies around a frame that is
 * smaller than the screen has the transparent index, or 0. Browsers and libvips show black there.
 */
export async function readGif(bytes: Uint8Array, origin: string, signal?: AbortSignal | null): Promise<Pixels> {
  const u16 = (at: number) => bytes[at]! | (bytes[at + 1]! << 8);
  const broken = (what: string) =>
    new ImageDecodeError(`${origin} could not be decoded: ${what}. Fetch it again, or save it as PNG.`);
  let at = 13;
  const palette = (flags: number) => {
    if (!(flags & 0x80)) return null;
    const size = 3 << ((flags & 7) + 1);
    at += size;
    return bytes.subarray(at - size, at);
  };
  const common = palette(bytes[10]!);
  let transparent = 0;
  for (; bytes[at] !== 0x2c; at++) {
    if (bytes[at] === undefined || bytes[at] === 0x3b) throw broken("it has no frame");
    if (bytes[at] !== 0x21) continue;
    if (bytes[at + 1] === 0xf9 && bytes[at + 3]! & 1) transparent = bytes[at + 6]!;
    // An extension's blocks, each behind its length.
    for (at += 2; bytes[at]; at += bytes[at]! + 1);
  }
  const [left, top, across, down, flags] = [u16(at + 1), u16(at + 3), u16(at + 5), u16(at + 7), bytes[at + 9]!];
  at += 10;
  const colours = palette(flags) ?? common;
  const [width, height] = [Math.max(u16(6), left + across), Math.max(u16(8), top + down)];
  checkSize({ width, height }, origin);
  const indices = new Uint8Array(width * height).fill(transparent);
  const lines = flags & 0x40 ? interlaced(down) : null;
  const put = (line: number, values: Uint8Array) => indices.set(values, (top + (lines?.[line] ?? line)) * width + left);

  // LZW: a code stands for another code's pixels and one more; codes are as many bits as the table's length has.
  const first = bytes[at]!;
  if (!(first >= 1 && first <= 8)) throw broken(`its codes begin with ${first} bits`);
  const clear = 1 << first;
  const before = new Uint16Array(4096);
  const last = new Uint8Array(4096);
  const stack = new Uint8Array(4097);
  for (let code = 0; code < clear; code++) last[code] = code;
  let [size, next, previous, head] = [first + 1, clear + 2, -1, 0];
  let [buffer, bits] = [0, 0];
  const row = new Uint8Array(across);
  let [x, y, rest] = [0, 0, 0];
  let look = SLICE;
  at++;
  while (y < down && across > 0) {
    if (y * across + at > look) {
      look = y * across + at + SLICE;
      await pause(signal);
    }
    while (bits < size) {
      if (!rest) rest = bytes[at++] ?? 0;
      if (!rest || at >= bytes.length) throw broken("it is cut off");
      buffer |= bytes[at++]! << bits;
      bits += 8;
      rest--;
    }
    let code = buffer & ((1 << size) - 1);
    buffer >>>= size;
    bits -= size;
    if (code === clear + 1) throw broken("its pixels end early");
    if (code === clear) {
      [size, next, previous] = [first + 1, clear + 2, -1];
      continue;
    }
    if (code > next || (code === next && previous < 0)) throw broken("its compressed pixels are damaged");
    let depth = 0;
    const current = code;
    if (code === next) {
      stack[depth++] = head;
      code = previous;
    }
    for (; code >= clear + 2; code = before[code]!) stack[depth++] = last[code]!;
    head = last[code]!;
    stack[depth++] = head;
    if (previous >= 0 && next < 4096) {
      before[next] = previous;
      last[next] = head;
      next++;
      if (next === 1 << size && size < 12) size++;
    }
    previous = current;
    while (depth > 0 && y < down) {
      row[x++] = stack[--depth]!;
      if (x < across) continue;
      put(y++, row);
      x = 0;
    }
  }

  const data = new Uint8Array(3 * indices.length);
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const index = indices[pixel]!;
    // Without a palette an index is a gray.
    for (let channel = 0; channel < 3; channel++)
      data[3 * pixel + channel] = colours ? (colours[3 * index + channel] ?? 0) : index;
    if (pixel % SLICE === SLICE - 1) await pause(signal);
  }
  return { data, width, height, channels: 3 };
}

/** Where each stored line belongs: every eighth, those between, and so on. */
function interlaced(down: number): number[] {
  const lines: number[] = [];
  for (const [start, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const)
    for (let line = start; line < down; line += step) lines.push(line);
  return lines;
}
