import { LINE } from "../../../assembly/shared/sizes.js";
import type { Weight } from "../../graph/network.js";
import type { Kernels } from "../module.js";
import type { PackJob, Program } from "../program/program.js";
import { packStem } from "./stem.js";

/**
 * Writes a job's weights to their place in wasm memory, a panel of eight output channels at a time: the rows are read (and
 * a BatchNorm folded in f64) straight into a staging area of the same memory, where the kernels find them. Before each panel
 * it yields how much of the network's file must be here for that.
 */
export function* packWeights(job: PackJob, program: Program, kernels: Kernels): Generator<number, void> {
  const { weight, bias } = job;
  if (job.form === "stem7x7") {
    yield neededBy(weight, weight.shape[0]!);
    packStem(job, kernels.memory.buffer);
  } else yield* packPanels(job, program, kernels);
  const values = new Float32Array(kernels.memory.buffer, job.biasAt, job.groups * Math.ceil(job.groupOut / 8) * 8);
  values.fill(0);
  if (!bias) return;
  yield bias.needs ?? 0;
  spread(bias.read(), job, values);
}

/** How much of the network's file must be here before a job can be done. */
export function neededInAll({ weight, bias }: PackJob): number {
  return Math.max(neededBy(weight, weight.shape[0]!), bias?.needs ?? 0);
}

const neededBy = (weight: Weight, end: number) => weight.needs?.(end) ?? 0;

/** Each group's biases begin at a panel of their own. */
function spread(bias: Float64Array, { groups, groupOut }: PackJob, target: Float32Array): void {
  const groupRows = Math.ceil(bias.length / groups);
  for (let group = 0; group < groups; group++) {
    const own = bias.subarray(group * groupRows, (group + 1) * groupRows);
    target.set(own, group * Math.ceil(groupOut / 8) * 8);
  }
}

function* packPanels(job: PackJob, program: Program, kernels: Kernels): Generator<number, void> {
  const { depth, taps, groups, groupOut } = job;
  const [rows, fileDepth] = job.weight.shape as [number, number];
  const rowLength = fileDepth * taps;
  const groupRows = Math.ceil(rows / groups);
  const staging = new Float32Array(kernels.memory.buffer, program.stagingAt, 8 * depth * taps);
  const panelAt = program.stagingAt + staging.byteLength;
  const workAt = panelAt + staging.byteLength;
  const panels = Math.ceil(groupOut / 8);
  const points = job.form === "winograd4" ? 36 : 16;
  const wide = depth === fileDepth ? null : new Float32Array(8 * rowLength);
  const rowsOf = (group: number, panel: number): [begin: number, end: number] => {
    const begin = group * groupRows + panel * 8;
    return [begin, Math.min(begin + 8, (group + 1) * groupRows, rows)];
  };
  /** Rows of a panel, with the padding of channels, to the staging area. */
  const stage = (group: number, panel: number) => {
    const [begin, end] = rowsOf(group, panel);
    staging.fill(0, Math.max(0, end - begin) * depth * taps);
    if (begin >= end) return;
    if (wide === null) job.weight.read(begin, end, staging);
    else {
      job.weight.read(begin, end, wide);
      for (let row = 0; row < end - begin; row++) {
        const at = row * depth * taps;
        staging.fill(0, at + rowLength, at + depth * taps);
        staging.set(wide.subarray(row * rowLength, (row + 1) * rowLength), at);
      }
    }
  };
  for (let group = 0; group < groups; group++) {
    for (let panel = 0; panel < panels; panel++) {
      const index = group * panels + panel;
      yield neededBy(job.weight, rowsOf(group, panel)[1]);
      stage(group, panel);
      if (job.form === "panels") {
        const bytes = depth * taps * 32;
        const at = job.weightsAt + index * bytes;
        kernels.packPanel(program.stagingAt, at, depth, taps);
        if (job.firstBytesAt) kernels.noteFirstBytes(at, at + bytes, job.firstBytesAt + (index * bytes) / LINE);
      } else {
        const panelBytes = depth * 32;
        kernels.packPanel(program.stagingAt, panelAt, depth, taps);
        kernels.packWinograd(
          panelAt,
          job.weightsAt + index * panelBytes,
          depth,
          panels * panelBytes,
          points === 36 ? 4 : 2,
          workAt,
        );
      }
    }
  }
}
