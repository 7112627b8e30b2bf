import type { Weight } from "../../graph/network.js";
import type { Kernels } from "../module.js";
import type { PackJob, Program } from "../program/program.js";

/** Writes a job's weights, in their form, and its bias. Yields how much of the network's file must be here before it goes on. */
export function* packWeights(job: PackJob, program: Program, kernels: Kernels): Generator<number, void> {
  const { bias } = job;
  yield* job.form.pack(job, program, kernels);
  if (job.form.biasBytes) return;
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

/** How much of it must be here before rows up to `end` can be read. */
export const neededBy = (weight: Weight, end: number) => weight.needs?.(end) ?? 0;

/** Each group's biases begin at a panel of their own. */
function spread(bias: Float64Array, { groups, groupOut }: PackJob, target: Float32Array): void {
  const groupRows = Math.ceil(bias.length / groups);
  for (let group = 0; group < groups; group++) {
    const own = bias.subarray(group * groupRows, (group + 1) * groupRows);
    target.set(own, group * Math.ceil(groupOut / 8) * 8);
  }
}
