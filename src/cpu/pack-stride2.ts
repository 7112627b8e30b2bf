/**
 * Where one panel of a stride-2 convolution goes in the weights: for each pair of a vertical and a horizontal (point, phase),
 * row by row, the first panel's offset and the distance to the next panel's. A point's panels hold all of its phase pairs:
 * [point][panel][pair][in channel][8 out channels], `planeBytes` for the last two. Phases as in assembly/winograd-stride2.ts.
 */
export function stride2Places(outputTile: 2 | 4, planeBytes: number, panels: number): readonly [number, number][] {
  const side = 2 * outputTile + 1;
  const places: [number, number][] = [];
  let start = 0;
  for (let y = 0; y <= outputTile; y++) {
    for (let x = 0; x <= outputTile; x++) {
      const [phasesY, phasesX] = [y < outputTile ? 2 : 1, x < outputTile ? 2 : 1];
      const pairs = phasesY * phasesX;
      for (let pair = 0; pair < pairs; pair++) {
        const vertical = 2 * y + Math.floor(pair / phasesX);
        places[vertical * side + 2 * x + (pair % phasesX)] = [start + pair * planeBytes, pairs * planeBytes];
      }
      start += pairs * panels * planeBytes;
    }
  }
  return places;
}
