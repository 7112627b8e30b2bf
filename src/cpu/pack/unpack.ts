import type { Graph, Op, Weight } from "../../graph/network.js";
import type { PackJob, Program } from "../program/program.js";
import { panelForm } from "./panels.js";

/** What reads a weight tells it from others: an operation may be packed under another shape. */
type Read = Weight["read"];

/** Jobs, by the operations' own weights, that can be read back from where they pack them: those that lie there as they came. */
export function unpackable(network: Graph, program: Program): Map<Read, PackJob> {
  const own = new Set(network.stages.flatMap(({ ops }) => ops.map((op) => "weight" in op && op.weight.read)));
  return new Map(
    program.jobs
      .filter(({ form, weight }) => form === panelForm && own.has(weight.read))
      .map((job) => [job.weight.read, job]),
  );
}

/**
 * A network whose weights are read, as far as possible, from the memory in which they were packed, so that nobody need keep the
 * file for a device that reads them later. Values are those that were packed, to the bit.
 */
export function fromPacked<G extends Graph>(
  network: G,
  jobs: ReadonlyMap<Read, PackJob>,
  memory: WebAssembly.Memory,
): G {
  const replaced = (op: Op): Op => {
    const job = "weight" in op && jobs.get(op.weight.read);
    return job ? ({ ...op, weight: { shape: op.weight.shape, read: unpacked(job, memory) } } as Op) : op;
  };
  const stages = network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(replaced) }));
  return { ...network, stages, arriving: undefined };
}

/** From panels of eight output channels, [tap][in channel][8]. */
function unpacked(
  { weight: { shape }, depth, taps, groups, groupOut, weightsAt }: PackJob,
  memory: WebAssembly.Memory,
): Read {
  const [rows, fileDepth] = shape as [number, number];
  const groupRows = Math.ceil(rows / groups);
  const panels = Math.ceil(groupOut / 8);
  const panelLength = depth * taps * 8;
  return (begin, end, target) => {
    const packed = new Float32Array(memory.buffer, weightsAt, groups * panels * panelLength);
    for (let row = begin, at = 0; row < end; row++) {
      const inGroup = row % groupRows;
      const panel = Math.floor(row / groupRows) * panels + (inGroup >> 3);
      const first = panel * panelLength + (inGroup & 7);
      for (let channel = 0; channel < fileDepth; channel++) {
        for (let tap = 0; tap < taps; tap++) target[at++] = packed[first + (tap * depth + channel) * 8]!;
      }
    }
  };
}
