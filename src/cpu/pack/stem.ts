import { STEM_PHASES } from "../../../assembly/shared/sizes.js";
import type { PackForm, PackJob } from "../program/program.js";
import { neededBy } from "./weights.js";

/** Finite points of the even taps' F(4,4); the odd taps' F(4,3) leaves out the last. Then infinity. */
const FINITE = [0, 1, -1, 2, -2, 0.5];
/** In the order that assembly/stem/input.ts has them: shared points, infinity, the even taps' own. */
const ORDER = [0, 1, 2, 3, 4, Number.POSITIVE_INFINITY, 5];

/** As `packStem` writes them. */
export const stemForm: PackForm = {
  channelBytes: () => 32 * STEM_PHASES ** 2,
  *pack(job, _, { memory }) {
    yield neededBy(job.weight, job.weight.shape[0]!);
    packStem(job, memory.buffer);
  },
};

/**
 * Weights of a 7x7 convolution, [out][channel][7][7], for minimal filtering along both axes: U = G g G' in f64 (Winograd 1980),
 * as [vertical point][horizontal point][panel][channel][horizontal phase][vertical phase][8 out channels]; an axis's last point
 * has the even phase alone.
 */
function packStem(job: PackJob, memory: ArrayBufferLike): void {
  const { depth: channels, groupOut, weight } = job;
  const outputs = weight.shape[0]!;
  const panels = Math.ceil(groupOut / 8);
  const raw = new Float32Array(outputs * channels * 49);
  weight.read(0, outputs, raw);
  const target = new Float32Array(memory, job.weightsAt, panels * STEM_PHASES ** 2 * channels * 8);
  target.fill(0);
  const filters = ORDER.map((point) =>
    point === 5 ? [filterRow(point, 4)] : [filterRow(point, 4), filterRow(point, 3)],
  );
  // Kernel columns of one point, [out][channel][phase][7].
  const columns = new Float64Array(outputs * channels * 2 * 7);
  let start = 0;
  // Horizontal points are the outer loop, to transform along rows once; places in the target follow the vertical ones.
  const vectors = (down: number, across: number) => channels * filters[down]!.length * filters[across]!.length;
  const offsets = ORDER.map((_, down) =>
    ORDER.map((__, across) => {
      const at = start;
      start += panels * vectors(down, across) * 8;
      return at;
    }),
  );
  for (let across = 0; across < ORDER.length; across++) {
    const phases = filters[across]!;
    // Indices, not iterators: this runs once, before it is optimised.
    for (let line = 0; line < outputs * channels * 7; line++) {
      const row = line % 7;
      const filter = (line - row) / 7;
      for (let phase = 0; phase < phases.length; phase++) {
        const g = phases[phase]!;
        let sum = 0;
        for (let tap = 0; tap < g.length; tap++) sum += g[tap]! * raw[line * 7 + phase + 2 * tap]!;
        columns[(filter * 2 + phase) * 7 + row] = sum;
      }
    }
    for (let down = 0; down < ORDER.length; down++) {
      let at = offsets[down]![across]!;
      for (let panel = 0; panel < panels; panel++) {
        for (let channel = 0; channel < channels; channel++) {
          for (let phase = 0; phase < phases.length; phase++) {
            for (let vertical = 0; vertical < filters[down]!.length; vertical++) {
              const g = filters[down]![vertical]!;
              for (let lane = 0; lane < 8 && panel * 8 + lane < outputs; lane++) {
                const from = (((panel * 8 + lane) * channels + channel) * 2 + phase) * 7 + vertical;
                let sum = 0;
                for (let tap = 0; tap < g.length; tap++) sum += g[tap]! * columns[from + 2 * tap]!;
                target[at + lane] = sum;
              }
              at += 8;
            }
          }
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
