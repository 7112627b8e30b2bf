// Baseline JPEGs by a module of their own, in less than half the time that a general decoder's way takes: no further than a network sees
// them. What is unusual in any way, or damaged, is left to the general decoder, and so is saying what is wrong with it.

import { CODES_BYTES, Component, SCAN_WORDS, Scan, SPARE } from "../../assembly/shared/jpeg.js";
import { orientationIn } from "./orientation.js";
import { type Planes, withMargin } from "./planes.js";
import type { Region, Size } from "./resize.js";

/** What the module exports: see assembly/jpeg/. */
interface JpegKernels {
  readCodes(source: number, table: number, isAc: boolean): number;
  decode(info: number): number;
}

const PAGE_BYTES = 65536;
const BLOCK = 8;
/** More memory than this is let go after a picture; pictures that need more than the most are left to others. */
const KEPT_BYTES = 8 << 20;
const MOST_BYTES = 64 << 20;
/** libjpeg spreads the chroma of narrower pictures otherwise. */
const LEAST_WIDTH = 8;
/** Rows are read a little further than they go. */
const OVER = 64;

/** Where the coefficients of a block belong, in the order in which they are coded: along its diagonals, to and fro. */
const order = Array.from({ length: BLOCK * BLOCK }, (_, index) => index).sort((a, b) => {
  const [diagonalA, diagonalB] = [(a >> 3) + (a & 7), (b >> 3) + (b & 7)];
  return diagonalA - diagonalB || (diagonalA % 2 === 0 ? b - a : a - b);
});

/** Addresses in the module's memory. What changes with the picture lies behind. */
const [INFO, ORDER, COEFFICIENTS, FACTORS, CODES, SOURCE, FREE] = (() => {
  let end = 0;
  return [4 * SCAN_WORDS, 80, 128, 4 * 128, 8 * CODES_BYTES, 16 + 256, 0].map((bytes) => {
    const at = end;
    end = (end + bytes + 15) & -16;
    return at;
  }) as [number, number, number, number, number, number, number];
})();

/** A frame of three components, and its scan. */
interface Frame {
  readonly size: Size;
  readonly components: readonly {
    readonly across: number;
    readonly down: number;
    readonly factors: number;
    readonly dc: number;
    readonly ac: number;
  }[];
  readonly restart: number;
  /** Where the compressed bytes begin. */
  readonly data: number;
}

export class OwnJpegs {
  #memory!: WebAssembly.Memory;
  #kernels!: JpegKernels;

  constructor(private readonly module: WebAssembly.Module) {
    this.#begin();
  }

  #begin(): void {
    this.#memory = new WebAssembly.Memory({ initial: 2 });
    const { exports } = new WebAssembly.Instance(this.module, { env: { memory: this.#memory } });
    this.#kernels = exports as unknown as JpegKernels;
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const [index, place] of order.entries()) bytes[ORDER + index] = 2 * place;
  }

  /**
   * The planes of the part of an upright picture that `seenOf` names, and more. They lie in the module's memory until the next picture. Null for all
   * that is not a whole baseline JPEG in YCbCr.
   */
  planes(bytes: Uint8Array, seenOf: (stored: Size) => Region | null): Planes | null {
    if (this.#memory.buffer.byteLength > KEPT_BYTES) this.#begin();
    try {
      const frame = this.#read(bytes);
      const seen = frame && seenOf(frame.size);
      return seen && this.#decode(bytes, frame, withMargin(seen, frame.size));
    } catch (error) {
      // Bytes that are not there, and addresses.
      if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) return null;
      throw error;
    }
  }

  #decode(bytes: Uint8Array, { size, components, restart, data }: Frame, wanted: Region): Planes | null {
    const [luma] = components as [Frame["components"][0]];
    const [unitWidth, unitHeight] = [BLOCK * luma.across, BLOCK * luma.down];
    const [left, top] = [Math.floor(wanted.x / unitWidth), Math.floor(wanted.y / unitHeight)];
    const right = Math.ceil((wanted.x + wanted.width) / unitWidth);
    const bottom = Math.ceil((wanted.y + wanted.height) / unitHeight);

    let end = FREE;
    const take = (bytes: number) => {
      const at = end;
      end += (bytes + OVER + 15) & -16;
      return at;
    };
    const source = take(bytes.length - data);
    const clean = take(bytes.length - data + SPARE);
    const planes = components.map(({ across, down }) => {
      const stride = BLOCK * across * (right - left);
      return { offset: take(stride * BLOCK * down * (bottom - top)), stride };
    });
    if (end > MOST_BYTES) return null;
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    const memory = new Uint8Array(this.#memory.buffer);
    memory.set(bytes.subarray(data), source);

    const info = new Int32Array(memory.buffer, INFO, SCAN_WORDS);
    info[Scan.data] = source;
    info[Scan.end] = source + bytes.length - data;
    info[Scan.clean] = clean;
    info[Scan.block] = COEFFICIENTS;
    info[Scan.order] = ORDER;
    info[Scan.restart] = restart;
    info[Scan.across] = Math.ceil(size.width / unitWidth);
    info[Scan.down] = Math.ceil(size.height / unitHeight);
    info[Scan.left] = left;
    info[Scan.right] = right;
    info[Scan.top] = top;
    info[Scan.bottom] = bottom;
    for (const [index, { across, down, factors, dc, ac }] of components.entries()) {
      const at = Scan.components + index * Component.size;
      info[at + Component.across] = across;
      info[at + Component.down] = down;
      info[at + Component.factors] = factorsAt(factors);
      info[at + Component.dc] = codesAt(0, dc);
      info[at + Component.ac] = codesAt(1, ac);
      info[at + Component.plane] = planes[index]!.offset;
      info[at + Component.stride] = planes[index]!.stride;
    }
    if (!this.#kernels.decode(INFO)) return null;
    const begin = planes[0]!.offset;
    const [x, y] = [left * unitWidth, top * unitHeight];
    const part = {
      ...{ x, y },
      width: Math.min(right * unitWidth, size.width) - x,
      height: Math.min(bottom * unitHeight, size.height) - y,
    };
    return {
      data: memory.subarray(begin, end),
      layout: planes.map(({ offset, stride }) => ({ offset: offset - begin, stride })),
      across: luma.across === 2,
      down: luma.down === 2,
      stored: size,
      part,
      orientation: 1,
    };
  }

  /** The segments before the compressed bytes; their tables go into the module's memory. */
  #read(bytes: Uint8Array): Frame | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint16(0) !== 0xffd8) return null;
    let size: Size | undefined;
    let parts: { id: number; across: number; down: number; factors: number }[] = [];
    let [restart, isJfif] = [0, false];
    const tables = new Set<number>();
    for (let at = 2; ; ) {
      const marker = view.getUint16(at);
      const from = at + 4;
      const length = view.getUint16(at + 2) - 2;
      const end = from + length;
      if (length < 0 || end > bytes.length) return null;
      switch (marker) {
        case 0xffe0:
          isJfif ||= length >= 14 && view.getUint32(from) === 0x4a464946;
          break;
        case 0xffe1:
          if (length > 6 && view.getUint32(from) === 0x45786966 && orientationIn(view, from) !== 1) return null;
          break;
        case 0xffee:
          // Adobe's own word on colours: 1 is YCbCr.
          if (length >= 12 && view.getUint32(from) === 0x41646f62 && bytes[from + 11] !== 1) return null;
          break;
        case 0xffdb:
          if (!this.#readFactors(bytes, from, end, tables)) return null;
          break;
        case 0xffc4:
          if (!this.#readCodes(bytes, from, end, tables)) return null;
          break;
        case 0xffdd:
          restart = view.getUint16(from);
          break;
        case 0xffc0: {
          if (size || length !== 15 || bytes[from] !== 8 || bytes[from + 5] !== 3) return null;
          size = { width: view.getUint16(from + 3), height: view.getUint16(from + 1) };
          parts = [0, 1, 2].map((index) => {
            const [id, sampling, factors] = bytes.subarray(from + 6 + 3 * index);
            return { id: id!, across: sampling! >> 4, down: sampling! & 15, factors: factors! };
          });
          break;
        }
        case 0xffda: {
          const isWhole = length === 10 && bytes[from] === 3 && view.getUint16(from + 7) === 63 && !bytes[from + 9];
          if (!size || size.width < LEAST_WIDTH || size.height < 1 || !isWhole) return null;
          if (!isJfif && parts.some(({ id }, index) => id !== index + 1)) return null;
          if (!isSpread(parts)) return null;
          const components = parts.map(({ across, down, factors }, index) => {
            const codes = bytes[from + 2 + 2 * index]!;
            return { across, down, factors, dc: codes >> 4, ac: codes & 15 };
          });
          const isKnown = components.every(
            ({ factors, dc, ac }, index) =>
              bytes[from + 1 + 2 * index] === parts[index]!.id &&
              [factorsAt(factors), codesAt(0, dc), codesAt(1, ac)].every((it) => tables.has(it)),
          );
          return isKnown ? { size, components, restart, data: end } : null;
        }
        default:
          // Texts and what applications keep; any other segment is of another kind of JPEG.
          if (marker !== 0xfffe && (marker < 0xffe0 || marker > 0xffef)) return null;
      }
      at = end;
    }
  }

  #readFactors(bytes: Uint8Array, from: number, end: number, tables: Set<number>): boolean {
    for (let at = from; at < end; at += 1 + BLOCK * BLOCK) {
      // Sixteen bits are not for baseline JPEGs.
      if (bytes[at]! > 3 || at + 1 + BLOCK * BLOCK > end) return false;
      const table = factorsAt(bytes[at]!);
      const factors = new Int16Array(this.#memory.buffer, table, BLOCK * BLOCK);
      for (const [index, place] of order.entries()) factors[place] = bytes[at + 1 + index]!;
      tables.add(table);
    }
    return true;
  }

  #readCodes(bytes: Uint8Array, from: number, end: number, tables: Set<number>): boolean {
    for (let at = from; at < end; ) {
      const [isAc, index] = [bytes[at]! >> 4, bytes[at]! & 15];
      let count = 0;
      for (const it of bytes.subarray(at + 1, at + 17)) count += it;
      const next = at + 17 + count;
      if (isAc > 1 || index > 3 || count > 256 || next > end) return false;
      new Uint8Array(this.#memory.buffer).set(bytes.subarray(at + 1, next), SOURCE);
      const table = codesAt(isAc, index);
      if (!this.#kernels.readCodes(SOURCE, table, isAc === 1)) return false;
      tables.add(table);
      at = next;
    }
    return true;
  }
}

const factorsAt = (index: number) => FACTORS + 2 * BLOCK * BLOCK * index;
const codesAt = (isAc: number, index: number) => CODES + (4 * isAc + index) * CODES_BYTES;

/** Chroma has all columns and rows, or half of the columns, or half of both. */
function isSpread([luma, ...chroma]: readonly { across: number; down: number }[]): boolean {
  const isUsual = luma!.across <= 2 && luma!.down >= 1 && luma!.down <= luma!.across;
  return isUsual && chroma.every(({ across, down }) => across === 1 && down === 1);
}
