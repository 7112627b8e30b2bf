/**
 * Where one panel of a stride-2 convolution goes in the weights: for each pair of a vertical and a horizontal (point, phase),
 * row by row, the first panel's offset and the distance to the next panel's. A point's panels hold all of its phase pairs:
 * [point][panel][pair][in channel][8 out channels], `planeBytes` for the last two. As in assembly/stride2-transforms.ts, the
 * first of five points has one phase, the others have two.
 */
export function stride2Places(planeBytes: number, panels: number): readonly [number, number][] {
  const places: [number, number][] = [];
  let start = 0;
  for (let y = 0; y < 9; y += y ? 2 : 1) {
    for (let x = 0; x < 9; x += x ? 2 : 1) {
      const across = x ? 2 : 1;
      const pairs = y ? 2 * across : across;
      for (let pair = 0; pair < pairs; pair++) {
        const plane = (y + Math.floor(pair / across)) * 9 + x + (pair % across);
        places[plane] = [start + pair * planeBytes, pairs * planeBytes];
      }
      start += pairs * panels * planeBytes;
    }
  }
  return places;
}
