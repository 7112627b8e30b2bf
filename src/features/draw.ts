import type { HeatMap } from "../options.js";

/** Pixels of a picture, row by row, interleaved. */
interface Pixels {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/**
 * The map's values at each pixel of a `width` x `height` picture, row by row: bilinear between the cells' centres, and as the nearest cell
 * beyond the outermost ones. NaN where the network saw nothing of the picture.
 */
export function upsample(
  map: HeatMap,
  { width, height }: { readonly width: number; readonly height: number },
): Float32Array {
  const { region, picture } = map;
  const across = places(width, picture.width / width, region.x, region.width, map.width);
  const down = places(height, picture.height / height, region.y, region.height, map.height);
  const result = new Float32Array(width * height).fill(Number.NaN);
  for (const [y, row] of down.entries()) {
    if (!row) continue;
    for (const [x, column] of across.entries()) {
      if (!column) continue;
      const at = (r: number, c: number) => map.values[r * map.width + c]!;
      const upper = at(row.first, column.first) * (1 - column.part) + at(row.first, column.second) * column.part;
      const lower = at(row.second, column.first) * (1 - column.part) + at(row.second, column.second) * column.part;
      result[y * width + x] = upper * (1 - row.part) + lower * row.part;
    }
  }
  return result;
}

/** Between which two cells each pixel lies, and how far; null outside the region. */
function places(side: number, scale: number, begin: number, length: number, cells: number) {
  return Array.from({ length: side }, (_, pixel) => {
    const within = (pixel + 0.5) * scale - begin;
    if (within < 0 || within > length) return null;
    const at = Math.min(cells - 1, Math.max(0, (within / length) * cells - 0.5));
    const first = Math.floor(at);
    return { first, second: Math.min(cells - 1, first + 1), part: at - first };
  });
}

/** The shade of a value of `most`: RGB, and how much of it covers the picture. For: from clear to red and yellow; against: blue. */
export function shade(value: number, most: number): readonly [red: number, green: number, blue: number, cover: number] {
  if (!(most > 0) || Number.isNaN(value)) return [0, 0, 0, 0];
  const part = Math.min(1, Math.abs(value) / most);
  return value < 0 ? [40, 90, 255, 0.5 * part] : [255, Math.round(220 * Math.max(0, 2 * part - 1)), 0, 0.65 * part];
}

/** The largest value on either side of zero: shades are relative to it. */
export const mostOf = ({ values }: HeatMap): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The picture in grays, so that shades are seen, with the map over it: RGB. What the network did not see is darker. */
export function picture(map: HeatMap, { data, width, height, channels }: Pixels): Uint8Array {
  const values = upsample(map, { width, height });
  const most = mostOf(map);
  const result = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * channels;
    // ITU-R BT.601, as PIL converts to "L".
    const gray = 0.299 * data[from]! + 0.587 * data[from + 1]! + 0.114 * data[from + 2]!;
    const seen = Number.isNaN(values[pixel]) ? 0.5 : 1;
    const [red, green, blue, cover] = shade(values[pixel]!, most);
    for (const [channel, colour] of [red, green, blue].entries()) {
      result[3 * pixel + channel] = Math.round(seen * gray * (1 - cover) + colour * cover);
    }
  }
  return result;
}
