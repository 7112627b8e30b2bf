import { ImageDecodeError } from "../errors.js";
import type { Header } from "./header.js";
import type { Pixels } from "./pixels.js";

/** The masks that PIL knows, by bits, when it has the file say which bits are red, green and blue. */
const MASKS: Readonly<Record<number, readonly (readonly [number, number, number])[]>> = {
  16: [
    [0xf800, 0x7e0, 0x1f],
    [0x7c00, 0x3e0, 0x1f],
  ],
  24: [[0xff0000, 0xff00, 0xff]],
  32: [
    [0xff0000, 0xff00, 0xff],
    [0xff000000, 0xff0000, 0xff00],
    [0xff000000, 0xff00, 0xff],
    [0xff, 0xff00, 0xff0000],
  ],
};

/** A Windows bitmap: libvips's ready-made builds have no reader. Palettes, 16 to 32 bits, run lengths of 8 and 4 bits. */
export function readBmp(bytes: Uint8Array, { width, height }: Header, origin: string): Pixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [u16, u32] = [(at: number) => view.getUint16(at, true), (at: number) => view.getUint32(at, true)];
  const refuse = (what: string) => new ImageDecodeError(`${origin} could not be decoded: ${what}. Save it as PNG.`);
  const size = u32(14);
  const core = size === 12;
  const bits = u16(core ? 24 : 28);
  const compression = core ? 0 : u32(30);
  const upright = !core && view.getInt32(22, true) < 0;
  const start = u32(10);
  const data = new Uint8Array(3 * width * height);
  const line = (y: number) => 3 * width * (upright ? y : height - 1 - y);
  if (bits <= 8) {
    const entry = core ? 3 : 4;
    const colours = (core ? 0 : u32(46)) || 1 << bits;
    const palette = bytes.subarray(14 + size, 14 + size + entry * colours);
    const put = (to: number, index: number) => {
      for (let channel = 0; channel < 3; channel++) data[to + channel] = palette[entry * index + 2 - channel] ?? 0;
    };
    if (compression === 1 || compression === 2) {
      const indices = runs(bytes.subarray(start), width, height, compression === 2);
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) put(line(y) + 3 * x, indices[y * width + x]!);
    } else if (compression === 0 && [1, 2, 4, 8].includes(bits)) {
      const stride = ((width * bits + 31) >>> 5) * 4;
      if (start + stride * height > bytes.length) throw refuse("it is cut off");
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const byte = bytes[start + y * stride + ((x * bits) >>> 3)]!;
          put(line(y) + 3 * x, (byte >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1));
        }
      }
    } else throw refuse(`it has ${bits} bits a pixel with compression ${compression}`);
    return { data, width, height, channels: 3 };
  }
  const wide = size >= 52 ? 54 : 14 + size;
  const stated =
    compression === 3
      ? [u32(wide), u32(wide + 4), u32(wide + 8)]
      : bits === 16
        ? [0x7c00, 0x3e0, 0x1f]
        : [0xff0000, 0xff00, 0xff];
  if (
    !(compression === 0 || compression === 3) ||
    !MASKS[bits]?.some((masks) => masks.every((mask, at) => mask === stated[at]))
  )
    throw refuse(
      `it has ${bits} bits a pixel with compression ${compression} and masks ${stated.map((it) => it.toString(16))}`,
    );
  const each = bits / 8;
  const stride = ((width * bits + 31) >>> 5) * 4;
  if (start + stride * height > bytes.length) throw refuse("it is cut off");
  const parts = stated.map((mask) => {
    const shift = 31 - Math.clz32(mask & -mask);
    return { shift, most: mask >>> shift };
  });
  for (let y = 0; y < height; y++) {
    let to = line(y);
    for (let x = 0, at = start + y * stride; x < width; x++, at += each) {
      const word =
        each === 2
          ? u16(at)
          : bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (each === 4 ? bytes[at + 3]! << 24 : 0);
      for (const { shift, most } of parts) data[to++] = Math.trunc((((word >>> shift) & most) * 255) / most);
    }
  }
  return { data, width, height, channels: 3 };
}

/** Indices of a picture in run lengths; what a jump leaves out is 0. */
function runs(bytes: Uint8Array, width: number, height: number, nibbles: boolean): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [x, y] = [0, 0];
  const put = (index: number) => {
    if (x < width && y < height) indices[y * width + x] = index;
    x++;
  };
  for (let at = 0; at + 1 < bytes.length && y < height; ) {
    const [count, value] = [bytes[at]!, bytes[at + 1]!];
    at += 2;
    const nibble = (byte: number, index: number) => (nibbles ? (index % 2 ? byte & 15 : byte >> 4) : byte);
    if (count > 0) for (let index = 0; index < count; index++) put(nibble(value, index));
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      x += bytes[at] ?? 0;
      y += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      for (let index = 0; index < value; index++) put(nibble(bytes[at + (nibbles ? index >> 1 : index)] ?? 0, index));
      const length = nibbles ? (value + 1) >> 1 : value;
      at += length + (length & 1);
    }
  }
  return indices;
}
