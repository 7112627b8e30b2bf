// The module of JPEGs: the samples of a baseline scan. Whatever is unusual or damaged ends it: other decoders know what to say of that.
import { Component, SPARE, Scan } from "../shared/jpeg";
import { coefficient, longCode } from "./codes";
import { flat, samples } from "./transform";

export { readCodes } from "./codes";

/** A symbol of `ac`: sixteen zeros. */
const ZEROS: i32 = 0xf0;
/** The largest that eight bits of precision come to. */
const LARGEST_DC: i32 = 11;
const LARGEST_AC: i32 = 10;
const FIRST_RESTART: i32 = 0xd0;
const END: i32 = 0xd9;

// @ts-ignore: decorator
@inline
function word(info: usize, index: i32): i32 {
  return load<i32>(info + (<usize>index << 2));
}

/** Where the present run of clean bytes ends. */
let cleanEnd: usize = 0;

/**
 * Copies bytes up to the next marker without the zeros that follow each 0xff, in words whose first byte is the most significant. Returns where
 * the marker is; 0 where there is none.
 */
function clean(from: usize, end: usize, target: usize): usize {
  const start = target;
  for (;;) {
    // Vectors may be written beyond what is taken of them: the next ones are written over that.
    while (from + 16 <= end) {
      const bytes = v128.load(from);
      v128.store(target, bytes);
      const mask = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(-1)));
      const count: usize = mask ? <usize>ctz(mask) : 16;
      from += count;
      target += count;
      if (mask) break;
    }
    if (from + 2 > end) return 0;
    const byte = load<u8>(from);
    if (byte === 0xff) {
      if (load<u8>(from + 1) !== 0) break;
      from++;
    }
    from++;
    store<u8>(target++, byte);
  }
  cleanEnd = target;
  for (let at: usize = 0; at < <usize>SPARE; at += 16) v128.store(target + at, i64x2.splat(0));
  for (let at = start; at < target; at += 16) {
    const bytes = v128.load(at);
    v128.store(at, i8x16.shuffle(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  }
  return from;
}

// @ts-ignore: decorator
@inline
function clear(block: usize): void {
  const zero = i64x2.splat(0);
  v128.store(block, zero);
  v128.store(block, zero, 16);
  v128.store(block, zero, 32);
  v128.store(block, zero, 48);
  v128.store(block, zero, 64);
  v128.store(block, zero, 80);
  v128.store(block, zero, 96);
  v128.store(block, zero, 112);
}

/** The samples of all that is wanted; `info`: words as `Scan` has them. False where the scan is not whole or unusual. */
export function decode(info: usize): bool {
  const across = word(info, Scan.across);
  const units = across * word(info, Scan.down);
  const end = <usize>word(info, Scan.end);
  const restart = word(info, Scan.restart);
  let from = <usize>word(info, Scan.data);
  for (let unit = 0, run = 0; unit < units; run++) {
    const next = restart ? min(units, unit + restart) : units;
    from = clean(from, end, <usize>word(info, Scan.clean));
    if (from === 0 || !decodeRun(info, unit, next)) return false;
    const marker = <i32>load<u8>(from + 1);
    if (marker !== (next === units ? END : FIRST_RESTART + (run & 7))) return false;
    from += 2;
    unit = next;
  }
  return true;
}

/** Units [unit, stop), whose bytes are clean. */
function decodeRun(info: usize, unit: i32, stop: i32): bool {
  const across = word(info, Scan.across);
  const left = word(info, Scan.left);
  const right = word(info, Scan.right);
  const top = word(info, Scan.top);
  const bottom = word(info, Scan.bottom);
  const block = <usize>word(info, Scan.block);
  const order = <usize>word(info, Scan.order);
  const first = info + (Scan.components << 2);
  const last = first + 3 * (Component.size << 2);
  for (let part = first; part < last; part += Component.size << 2) store<i32>(part + (Component.mean << 2), 0);

  const begin = <usize>word(info, Scan.clean);
  // Of the zeros behind the end some may be read before that is seen.
  const most = cleanEnd + SPARE;
  let at = begin;
  let bits: u64 = 0;
  let have = 0;
  let y = unit / across;
  let x = unit - y * across;
  for (; unit < stop; unit++) {
    const isWanted = x >= left && x < right && y >= top && y < bottom;
    for (let part = first; part < last; part += Component.size << 2) {
      const dc = <usize>word(part, Component.dc);
      const ac = <usize>word(part, Component.ac);
      const blocksAcross = word(part, Component.across);
      const blocks = blocksAcross * word(part, Component.down);
      for (let index = 0; index < blocks; index++) {
        if (at > most) return false;
        if (have <= 32) {
          bits |= (<u64>load<u32>(at)) << <u64>(32 - have);
          at += 4;
          have += 32;
        }
        let entry = load<i32>(dc + (<usize>(bits >> 53) << 2));
        if (entry === 0) entry = longCode(dc, bits);
        if (entry === 0) return false;
        let length = entry & 255;
        bits <<= <u64>length;
        have -= length;
        let size = entry >> 8;
        if (size > LARGEST_DC) return false;
        let mean = word(part, Component.mean);
        if (size > 0) {
          mean += coefficient(<i32>(bits >> <u64>(64 - size)), size);
          bits <<= <u64>size;
          have -= size;
          store<i32>(part + (Component.mean << 2), mean);
        }

        let place: usize = 1;
        let isClear = false;
        while (place < 64) {
          if (have <= 32) {
            bits |= (<u64>load<u32>(at)) << <u64>(32 - have);
            at += 4;
            have += 32;
          }
          entry = load<i32>(ac + (<usize>(bits >> 53) << 2));
          let value = entry >> 16;
          if (value === 0) {
            if (entry === 0) entry = longCode(ac, bits);
            if (entry === 0) return false;
            length = entry & 255;
            bits <<= <u64>length;
            have -= length;
            const symbol = entry >> 8;
            size = symbol & 15;
            if (size === 0) {
              if (symbol === 0) break;
              if (symbol !== ZEROS) return false;
              place += 16;
              continue;
            }
            if (size > LARGEST_AC) return false;
            value = coefficient(<i32>(bits >> <u64>(64 - size)), size);
            bits <<= <u64>size;
            have -= size;
            place += symbol >> 4;
          } else {
            length = entry & 255;
            bits <<= <u64>length;
            have -= length;
            place += (entry >> 8) & 255;
          }
          if (!isClear) {
            isClear = true;
            clear(block);
          }
          store<i16>(block + <usize>load<u8>(order + place), value);
          place++;
        }
        if (place > 64) return false;
        if (!isWanted) continue;
        const factors = <usize>word(part, Component.factors);
        const stride = <usize>word(part, Component.stride);
        const row = index / blocksAcross;
        const column = (x - left) * blocksAcross + (index - row * blocksAcross);
        const line = (y - top) * word(part, Component.down) + row;
        const target = <usize>word(part, Component.plane) + (<usize>line * stride + <usize>column) * 8;
        if (isClear) {
          store<i16>(block, mean);
          samples(block, factors, target, stride);
        } else flat(<i32>(<i16>(mean * <i32>load<i16>(factors))), target, stride);
      }
    }
    if (++x === across) {
      x = 0;
      y++;
    }
  }
  // What was taken is there, and no whole byte is left.
  const rest = (<i32>(cleanEnd - at) << 3) + have;
  return rest >= 0 && rest < 8;
}
