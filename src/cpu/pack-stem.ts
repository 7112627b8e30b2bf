import type { PackJob } from "./program.js";

/** Finite points of the even taps' F(4,4); the odd taps' F(4,3) leaves out the last. Then infinity. */
const FINITE = [0, 1, -1, 2, -2, 0.5];
/** In the order that assembly/stem.ts has them: shared points, infinity, the even taps' own. */
const ORDER = [0, 1, 2, 3, 4, Number.POSITIVE_INFINITY, 5];

/**
 * Weights of a 7x7 convolution, [out][channel][7][7], for minimal filtering along rows: U = G g in f64 (Winograd 1980),
 * as [point][panel][kernel row][channel][phase][8 out channels]; the last point has the even phase alone.
 */
export function packStem(job: PackJob, memory: ArrayBufferLike): void {
  const { depth: channels, groupOut, weight } = job;
  const outputs = weight.shape[0]!;
  const panels = Math.ceil(groupOut / 8);
  const raw = new Float32Array(outputs * channels * 49);
  weight.read(0, outputs, raw);
  const target = new Float32Array(memory, job.weightsAt, panels * 13 * 7 * channels * 8);
  target.fill(0);
  let at = 0;
  for (const point of ORDER) {
    const taps = point === 5 ? [filterRow(point, 4)] : [filterRow(point, 4), filterRow(point, 3)];
    for (let panel = 0; panel < panels; panel++) {
      for (let line = 0; line < 7 * channels; line++) {
        const channel = line % channels;
        const row = (line - channel) / channels;
        for (let phase = 0; phase < taps.length; phase++) {
          const g = taps[phase]!;
          // Indices, not iterators: this runs once, before it is optimised.
          for (let lane = 0; lane < 8 && panel * 8 + lane < outputs; lane++) {
            const from = (((panel * 8 + lane) * channels + channel) * 7 + row) * 7 + phase;
            let sum = 0;
            for (let tap = 0; tap < g.length; tap++) sum += g[tap]! * raw[from + 2 * tap]!;
            target[at + lane] = sum;
          }
          at += 8;
        }
      }
    }
  }
}

/** The row of G for one point: its powers over the product of its distances to the other points (4 taps: six points, else five). */
function filterRow(point: number, taps: 3 | 4): number[] {
  const finite = FINITE.slice(0, taps + 2);
  if (point === Number.POSITIVE_INFINITY) return Array.from({ length: taps }, (_, tap) => (tap === taps - 1 ? 1 : 0));
  const at = finite[point]!;
  const distance = finite.reduce((product, other) => (other === at ? product : product * (at - other)), 1);
  return Array.from({ length: taps }, (_, tap) => at ** tap / distance);
}
