import type { PackJob } from "./compile.js";

/** Taps 0, 1 and 2 to (point, phase) along one axis, the points and phases in the order of assembly/winograd-stride2.ts. */
const FILTERS: Readonly<Record<"stride2winograd4" | "stride2winograd2", readonly (readonly number[])[]>> = {
  // Points 0, 1, -1, infinity, each even then odd, and 2: powers of the point over its distances to the other finite ones.
  stride2winograd4: [
    [1 / 2, 0, 0],
    [0, -1, 0],
    [-1 / 2, 0, -1 / 2],
    [0, 1 / 2, 0],
    [-1 / 6, 0, 1 / 6],
    [0, 1 / 2, 0],
    [0, 0, 1],
    [0, 1, 0],
    [1 / 6, 0, 1 / 3],
  ],
  // Points 0, infinity, 1.
  stride2winograd2: [
    [-1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 1],
  ],
};

/**
 * Weights of a 3x3 convolution, [out][in][3][3], for a stride of 2 by minimal filtering: U = G g G' in f64, as
 * [point][panel][pair of phases][in channel][8 out channels].
 */
export function packStride2(job: PackJob, memory: ArrayBufferLike): void {
  const filters = FILTERS[job.form as keyof typeof FILTERS];
  const { depth, groupOut, weight } = job;
  const [rows, inputs] = weight.shape as [number, number];
  const panels = Math.ceil(groupOut / 8);
  const bias = new Float32Array(memory, job.biasAt, panels * 8);
  bias.fill(0);
  if (job.bias) bias.set(job.bias);
  const places = placesOf(filters.length, panels * depth * 8);
  const target = new Float32Array(memory, job.weightsAt, filters.length ** 2 * panels * depth * 8);
  target.fill(0);
  const raw = new Float32Array(8 * inputs * 9);
  const half = new Float64Array(3);
  for (let panel = 0; panel < panels; panel++) {
    const begin = panel * 8;
    const end = Math.min(begin + 8, rows);
    if (begin >= end) break;
    weight.read(begin, end, raw);
    for (const [vertical, [v0, v1, v2]] of filters.entries()) {
      for (let lane = 0; lane < end - begin; lane++) {
        for (let channel = 0; channel < inputs; channel++) {
          const at = (lane * inputs + channel) * 9;
          for (let column = 0; column < 3; column++) {
            half[column] = v0! * raw[at + column]! + v1! * raw[at + 3 + column]! + v2! * raw[at + 6 + column]!;
          }
          const to = channel * 8 + lane;
          for (const [horizontal, [h0, h1, h2]] of filters.entries()) {
            const { start, step } = places[vertical * filters.length + horizontal]!;
            target[start + panel * step + to] = h0! * half[0]! + h1! * half[1]! + h2! * half[2]!;
          }
        }
      }
    }
  }

  /** Where a pair's first panel starts, and how far the next one is: a point's panels hold all of its pairs. */
  function placesOf(side: number, plane: number): { start: number; step: number }[] {
    const result: { start: number; step: number }[] = [];
    const points = (side + 1) / 2;
    let start = 0;
    for (let y = 0; y < points; y++) {
      for (let x = 0; x < points; x++) {
        const [phasesY, phasesX] = [y < points - 1 ? 2 : 1, x < points - 1 ? 2 : 1];
        const pairs = phasesY * phasesX;
        for (let pair = 0; pair < pairs; pair++) {
          const vertical = 2 * y + Math.floor(pair / phasesX);
          const horizontal = 2 * x + (pair % phasesX);
          result[vertical * side + horizontal] = { start: start + pair * depth * 8, step: pairs * depth * 8 };
        }
        start += pairs * plane;
      }
    }
    return result;
  }
}
