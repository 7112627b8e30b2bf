import { orientationIn } from "./orientation.js";
import type { Size } from "./resize.js";

/** What a JPEG says of itself before its pixels. */
export interface JpegHeader extends Size {
  /** EXIF's number: 1 is upright. */
  readonly orientation: number;
}

/** Null for what is no JPEG of three components of 8 bits, baseline or progressive. */
export function readJpeg(bytes: Uint8Array): JpegHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return null;
  let orientation = 0;
  for (let at = 2; at + 10 < bytes.length; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker < 0xffc0) return null;
    if (marker === 0xffe1 && !orientation && view.getUint32(at + 4) === 0x45786966) {
      orientation = orientationIn(view, at + 4);
    }
    if (marker > 0xffcf || marker === 0xffc4) continue;
    // Baseline and progressive; the rest are rare.
    if (marker > 0xffc2 || bytes[at + 4] !== 8 || bytes[at + 9] !== 3) return null;
    return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), orientation: orientation || 1 };
  }
  return null;
}
