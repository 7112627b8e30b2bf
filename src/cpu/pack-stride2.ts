/**
 * Where one panel of a stride-2 convolution goes in the weights: for each pair of a vertical and a horizontal (point, phase),
 * row by row, the first panel's offset and the distance to the next panel's. A point's panels hold all of its phase pairs:
 * [point][panel][pair][in channel][8 out channels], `planeBytes` for the last two. As in assembly/winograd-stride2.ts, the
 * first of five points along an axis has one phase, the others have two, and points of one kind follow each other.
 */
export function stride2Places(planeBytes: number, panels: number): readonly [number, number][] {
  const places: [number, number][] = [];
  let start = 0;
  for (const down of [0, 1]) {
    for (const across of [0, 1]) {
      const pairs = (down + 1) * (across + 1);
      for (let y = down; y < (down ? 9 : 1); y += 2) {
        for (let x = across; x < (across ? 9 : 1); x += 2) {
          for (let pair = 0; pair < pairs; pair++) {
            const plane = (y + (pair >> across)) * 9 + x + (pair & across);
            places[plane] = [start + pair * planeBytes, pairs * planeBytes];
          }
          start += pairs * panels * planeBytes;
        }
      }
    }
  }
  return places;
}
