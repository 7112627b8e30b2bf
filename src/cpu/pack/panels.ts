import { LINE, panelBytes, winogradPoints } from "../../../assembly/shared/sizes.js";
import type { Kernels } from "../module.js";
import type { PackForm, PackJob, Program } from "../program/program.js";
import { neededBy } from "./weights.js";

/** Weights as they are, [group][panel][tap][in channel][8], with the first bytes of their cache lines where these are wanted. */
export const panelForm: PackForm = {
  channelBytes: (taps) => panelBytes(1, taps),
  pack: (job, program, kernels) =>
    packPanels(job, program, kernels, (index) => {
      const { depth, taps, weightsAt, firstBytesAt } = job;
      const bytes = panelBytes(depth, taps);
      const at = weightsAt + index * bytes;
      kernels.packPanel(program.stagingAt, at, depth, taps);
      if (firstBytesAt) kernels.noteFirstBytes(at, at + bytes, firstBytesAt + (index * bytes) / LINE);
    }),
};

/** Winograd's transform of 3x3 weights, [point][panel][in channel][8]. */
export function winogradForm(outputTile: 4 | 2): PackForm {
  return {
    channelBytes: () => panelBytes(1, winogradPoints(outputTile)),
    pack: (job, program, kernels) =>
      packPanels(job, program, kernels, (index, panels) => {
        const { depth, taps, weightsAt } = job;
        const bytes = panelBytes(depth, 1);
        const panelAt = program.stagingAt + taps * bytes;
        kernels.packPanel(program.stagingAt, panelAt, depth, taps);
        const workAt = panelAt + taps * bytes;
        kernels.packWinograd(panelAt, weightsAt + index * bytes, depth, panels * bytes, outputTile, workAt);
      }),
  };
}

/**
 * Packs a panel of eight output channels at a time: its rows are read (and a BatchNorm folded in f64) straight into a staging
 * area of wasm memory, where `packPanel` finds them. Before each panel it yields how much of the network's file must be here.
 */
function* packPanels(
  job: PackJob,
  program: Program,
  kernels: Kernels,
  packPanel: (index: number, panels: number) => void,
): Generator<number, void> {
  const { depth, taps, groups, groupOut } = job;
  const [rows, fileDepth] = job.weight.shape as [number, number];
  const rowLength = fileDepth * taps;
  const groupRows = Math.ceil(rows / groups);
  const staging = new Float32Array(kernels.memory.buffer, program.stagingAt, 8 * depth * taps);
  const panels = Math.ceil(groupOut / 8);
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
      yield neededBy(job.weight, rowsOf(group, panel)[1]);
      stage(group, panel);
      packPanel(group * panels + panel, panels);
    }
  }
}
