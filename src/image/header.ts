import { ImageDecodeError } from "../errors.js";
import { MAX_PIXELS, MAX_SIDE } from "../limits.js";

/** What a picture's first bytes say, before a decoder sees them. */
export interface Header {
  readonly format: "JPEG" | "PNG" | "WebP" | "GIF" | "BMP" | "AVIF" | "TIFF";
  /** As stored, before any orientation. 0 x 0 for a TIFF, whose sizes may lie anywhere in it. */
  readonly width: number;
  readonly height: number;
}

/** The format by its signature, and the size. `ImageDecodeError` for any other format, and for sizes beyond the limits. */
export function readHeader(bytes: Uint8Array, origin: string): Header {
  let header: Header | undefined;
  try {
    header = parse(bytes, origin);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ImageDecodeError(`${origin} is cut off or damaged: its header ends early. Fetch it again.`);
  }
  if (!header) {
    throw new ImageDecodeError(
      `${origin} ${bytes.length ? "is of no known format" : "is empty"}; expected a JPEG, PNG, WebP, GIF, BMP or AVIF.`,
    );
  }
  if (header.format !== "TIFF") checkSize(header, origin);
  return header;
}

/** Throws `ImageDecodeError` where there are no pixels, or too many to decode. */
export function checkSize({ width, height }: { width: number; height: number }, origin: string): void {
  const megapixels = (width * height) / 1e6;
  if (!megapixels) throw new ImageDecodeError(`${origin} has no pixels: it is ${width} x ${height}.`);
  if (megapixels * 1e6 > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw new ImageDecodeError(
      `${origin} is ${width} x ${height}, ${megapixels.toFixed(1)} megapixels; at most ${MAX_PIXELS / 1e6} are decoded, and ${MAX_SIDE} pixels a side. Shrink it first.`,
    );
  }
}

function parse(bytes: Uint8Array, origin: string): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  const [u16, u32] = [(at: number) => view.getUint16(at, true), (at: number) => view.getUint32(at, true)];
  const start = text(0);
  if (start === "\x89PNG") return { format: "PNG", width: view.getUint32(16), height: view.getUint32(20) };
  if (start.startsWith("\xff\xd8\xff")) {
    for (let at = 2; ; ) {
      const marker = view.getUint16(at);
      // A start of frame; of its numbers three are tables.
      if (marker >= 0xffc0 && marker < 0xffd0 && ![0xffc4, 0xffc8, 0xffcc].includes(marker))
        return { format: "JPEG", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
      // Markers are one byte and fill bytes before it; some have no length.
      if (marker === 0xffff || marker < 0xff02) at++;
      else at += 2 + (marker > 0xffcf && marker < 0xffd9 ? 0 : view.getUint16(at + 2));
    }
  }
  if (start === "GIF8") return { format: "GIF", width: u16(6), height: u16(8) };
  if (start === "RIFF" && text(8) === "WEBP") {
    const kind = text(12);
    if (kind === "VP8 ") return { format: "WebP", width: u16(26) & 0x3fff, height: u16(28) & 0x3fff };
    const sides = u32(21);
    if (kind === "VP8L") return { format: "WebP", width: (sides & 0x3fff) + 1, height: ((sides >> 14) & 0x3fff) + 1 };
    return { format: "WebP", width: (u32(23) >>> 8) + 1, height: (u32(26) >>> 8) + 1 };
  }
  if (start.startsWith("BM")) {
    if (u32(14) === 12) return { format: "BMP", width: u16(18), height: u16(20) };
    return { format: "BMP", width: u32(18), height: Math.abs(view.getInt32(22, true)) };
  }
  if (text(4) === "ftyp") {
    const brands = text(8) + String.fromCharCode(...bytes.subarray(16, Math.min(view.getUint32(0), 256)));
    if (/avi[fs]/.test(brands)) return avif(view, text);
    throw new ImageDecodeError(
      `${origin} is a HEIC or another video-like file ("${text(8)}"), which most hosts cannot decode; save it as JPEG.`,
    );
  }
  if (start === "II*\0" || start === "MM\0*") return { format: "TIFF", width: 0, height: 0 };
  return undefined;
}

/** The largest extent that any of its images has. */
function avif(view: DataView, text: (at: number) => string): Header {
  let at = 0;
  while (text(at + 4) !== "meta") at += Math.max(8, view.getUint32(at));
  let [width, height] = [0, 0];
  for (const end = at + view.getUint32(at); at < end; at++) {
    if (text(at) !== "ispe") continue;
    width = Math.max(width, view.getUint32(at + 8));
    height = Math.max(height, view.getUint32(at + 12));
  }
  return { format: "AVIF", width, height };
}
