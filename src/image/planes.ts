import { OVER, type PixelKernels, type Rows } from "./fast-resize.js";
import type { Region, Size } from "./resize.js";

/** A JPEG's planes, of a part of it, as a decoder leaves them: Y, Cb and Cr of one byte each. */
export interface Planes {
  readonly data: Uint8Array;
  /** Of each plane: where in `data` it begins, and its rows' distance. */
  readonly layout: readonly { readonly offset: number; readonly stride: number }[];
  /** Whether chroma has half the columns, and half the rows. */
  readonly across: boolean;
  readonly down: boolean;
  /** The whole picture as it is stored. */
  readonly stored: Size;
  /** Begins at even pixels. */
  readonly part: Region;
  /** EXIF's number, from 1. */
  readonly orientation: number;
}

/** How stored rows and columns lie in the upright picture. */
function turns(orientation: number) {
  return {
    swapped: orientation > 4,
    mirrored: [2, 3, 7, 8].includes(orientation),
    upside: [3, 4, 6, 7].includes(orientation),
  };
}

export function upright({ width, height }: Size, orientation: number): Size {
  return orientation > 4 ? { width: height, height: width } : { width, height };
}

/** The stored part that shows a region of the upright picture. */
export function storedPart({ x, y, width, height }: Region, stored: Size, orientation: number): Region {
  const { swapped, mirrored, upside } = turns(orientation);
  const part = swapped ? { x: y, y: x, width: height, height: width } : { x, y, width, height };
  return {
    ...part,
    x: mirrored ? stored.width - part.x - part.width : part.x,
    y: upside ? stored.height - part.y - part.height : part.y,
  };
}

/** What spreading the chroma of `part` needs beside it, from even pixels on. */
export function withMargin({ x, y, width, height }: Region, { width: across, height: down }: Size): Region {
  const [left, top] = [Math.max(0, (x - 2) & -2), Math.max(0, (y - 2) & -2)];
  const [right, bottom] = [Math.min(across, (x + width + 3) & -2), Math.min(down, (y + height + 3) & -2)];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The upright picture's rows, in the colours that libjpeg makes of planes. */
export function rowsOfPlanes({ data, layout, across, down, stored, part, orientation }: Planes): Rows {
  const { swapped, mirrored, upside } = turns(orientation);
  const scratch = 2 * part.width + 256;
  const row = 4 * part.width + OVER;
  const begin = scratch + row;
  const [luma, cb, cr] = layout as [(typeof layout)[0], (typeof layout)[0], (typeof layout)[0]];
  const chromaRows = down ? Math.ceil(part.height / 2) : part.height;
  const left = swapped
    ? upside
      ? stored.height - part.y - part.height
      : part.y
    : mirrored
      ? stored.width - part.x - part.width
      : part.x;

  /** Converts row `y` of the part. */
  const convert = (kernels: PixelKernels, room: number, y: number, target: number) => {
    const near = down ? y >> 1 : y;
    const far = Math.min(chromaRows - 1, Math.max(0, near + (y & 1 ? 1 : -1)));
    const at = ({ offset, stride }: (typeof layout)[0], line: number) => room + begin + offset + line * stride;
    kernels.toRgb(
      ...([at(luma, y), at(cb, near), at(cb, far), at(cr, near), at(cr, far)] as const),
      ...([across, down, part.width, room, target] as const),
    );
  };
  return {
    ...upright(stored, orientation),
    channels: 4,
    left,
    right: left + (swapped ? part.height : part.width),
    room: begin + data.length,
    // A stored row is a column of the picture.
    whole: swapped,
    open: (memory, room) => memory.set(data, room + begin),
    put(kernels, _, room, to, { top, count }) {
      const line = room + scratch;
      const stride = 4 * (swapped ? part.height : part.width);
      if (swapped) {
        const from = (mirrored ? stored.width - top - count : top) - part.x;
        const [first, step] = mirrored ? [(count - 1) * stride, -stride] : [0, stride];
        for (let y = 0; y < part.height; y++) {
          convert(kernels, room, y, line);
          const column = upside ? part.height - 1 - y : y;
          kernels.scatter(line + 4 * from, count, to + first + 4 * column, step);
        }
        return;
      }
      for (let index = 0; index < count; index++) {
        const y = (upside ? stored.height - 1 - top - index : top + index) - part.y;
        const target = to + index * stride;
        convert(kernels, room, y, mirrored ? line : target);
        if (mirrored) kernels.scatter(line, part.width, target + stride - 4, -4);
      }
    },
  };
}
