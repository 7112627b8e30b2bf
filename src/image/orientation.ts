import type { Pixels } from "./pixels.js";

/** Where EXIF's orientation stands in a PNG or WebP file; null where there is none, or none that matters. */
export function findOrientation(bytes: Uint8Array): { readonly at: number; readonly value: number } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const png = bytes[0] === 0x89;
  try {
    // "eXIf" behind its length, or "EXIF" before it; WebP's chunks fill up to even lengths.
    for (let at = png ? 8 : 12; ; ) {
      const size = png ? view.getUint32(at) : view.getUint32(at + 4, true);
      if (view.getUint32(png ? at + 4 : at) === (png ? 0x65584966 : 0x45584946)) return inTiff(view, at + 8);
      at += png ? 12 + size : 8 + size + (size & 1);
    }
  } catch {
    return null;
  }
}

/** EXIF is a TIFF file; some writers keep JPEG's "Exif\0\0" before it. */
function inTiff(view: DataView, from: number) {
  const start = view.getUint32(from) === 0x45786966 ? from + 6 : from;
  const little = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, little);
  for (let entry = directory + 2, count = view.getUint16(directory, little); count > 0; entry += 12, count--) {
    if (view.getUint16(entry, little) !== 0x112) continue;
    const value = view.getUint16(entry + 8, little);
    return value > 1 && value <= 8 ? { at: entry + (little ? 8 : 9), value } : null;
  }
  return null;
}

/** EXIF's orientation in a TIFF file that begins there; 1 where it has none. */
export function orientationIn(view: DataView, from: number): number {
  try {
    return inTiff(view, from)?.value ?? 1;
  } catch {
    return 1;
  }
}

/** The picture upright, by EXIF's numbers from 2 to 8. */
export function turn({ data, width, height, channels }: Pixels, orientation: number): Pixels {
  const swapped = orientation > 4;
  const [across, down] = swapped ? [height, width] : [width, height];
  const [mirrored, upside] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  const result = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [column, line] = swapped ? [y, x] : [x, y];
      const from = channels * ((upside ? height - 1 - line : line) * width + (mirrored ? width - 1 - column : column));
      for (let channel = 0; channel < channels; channel++) result[to++] = data[from + channel]!;
    }
  }
  return { data: result, width: across, height: down, channels };
}
