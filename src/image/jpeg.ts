import { orientationIn } from "./orientation.js";
import type { Size } from "./resize.js";
import { startOfFrame } from "./start-of-frame.js";

/** What a JPEG says of itself before its pixels. */
export interface JpegHeader extends Size {
  /** EXIF's number: 1 is upright. */
  readonly orientation: number;
}

/** Null for what is no JPEG of three components of 8 bits, baseline or progressive. */
export function readJpeg(bytes: Uint8Array): JpegHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let orientation = 0;
  const at = startOfFrame(view, (marker, at) => {
    if (marker === 0xffe1 && !orientation && view.getUint32(at + 4) === 0x45786966) {
      orientation = orientationIn(view, at + 4);
    }
  });
  if (!at || bytes[at + 4] !== 8 || bytes[at + 9] !== 3) return null;
  return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), orientation: orientation || 1 };
}
