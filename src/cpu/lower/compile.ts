import { Field } from "../../../assembly/shared/record.js";
import { LINE, RESERVED, stagingBytes } from "../../../assembly/shared/sizes.js";
import { Sync } from "../../../assembly/shared/sync.js";
import type { Graph, ValueId } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { align, type Lifetime, planArena } from "../program/arena.js";
import { Drafts, valueLength } from "../program/drafts.js";
import type { CompileOptions, PackJob, Place, Program } from "../program/program.js";
import { lower } from "./lower.js";

/** Lowers a network to records, and lays records, weights and activations out in one memory. */
export function compile(network: Graph, options: CompileOptions): Program {
  const drafts = new Drafts(network, options);
  const stages: { begin: number; end: number }[] = [];
  for (const [index, stage] of network.stages.entries()) {
    drafts.stage = index;
    const begin = drafts.records.length;
    for (const op of stage.ops) (options.lower ?? options.integers?.lower ?? lower)(drafts, op);
    stages.push({ begin, end: drafts.records.length });
  }
  trackLifetimes(drafts, stages);
  return layOut(drafts, stages);
}

function trackLifetimes(drafts: Drafts, stages: readonly { begin: number; end: number }[]): void {
  const touch = (area: number, at: number) => {
    const it = drafts.areas[area]!;
    it.first = Math.min(it.first, at);
    it.last = Math.max(it.last, at);
  };
  for (const [at, draft] of drafts.records.entries()) {
    for (const area of Object.values(draft.areas)) touch(area, at);
  }
  // A stage's input is written before its first record, and its output read after its last one.
  for (const [index, stage] of drafts.network.stages.entries()) {
    touch(drafts.areaOf[stage.input]!, stages[index]!.begin);
    touch(drafts.areaOf[stage.output]!, stages[index]!.end - 1);
  }
}

function layOut(drafts: Drafts, stages: readonly { begin: number; end: number }[]): Program {
  const { network, options } = drafts;
  const widest = Math.max(0, ...network.values.map(({ channels }) => paddedChannels(channels)));
  let end = RESERVED;
  const take = (bytes: number) => {
    const at = end;
    end = align(end + bytes);
    return at;
  };
  const syncAt = take(Sync.size);
  const recordsAt = take(drafts.records.length * Field.size * 4);
  const zerosAt = take(widest * 4 + LINE);
  const weightsFrom = end;
  const jobs = drafts.weights.map((it): PackJob => {
    const { ahead, ...rest } = it;
    const panels = it.groups * Math.ceil(it.groupOut / 8);
    const bytes = panels * it.depth * it.form.channelBytes(it.taps);
    const firstBytesAt = ahead ? take(bytes / LINE) : 0;
    return { ...rest, weightsAt: take(bytes), firstBytesAt, biasAt: take(panels * (it.form.biasBytes ?? 32)) };
  });
  const affines = drafts.affines.map(({ scale, shift, channels }) => ({
    scale,
    shift,
    scaleAt: take(channels * 4),
    shiftAt: take(channels * 4),
  }));
  const weightBytes = end - weightsFrom;
  const used = drafts.areas.map((it): Lifetime => (it.last < 0 ? { bytes: 0, first: 0, last: 0 } : it));
  const arena = planArena(used);
  const staging = Math.max(0, ...drafts.weights.map(({ depth, taps }) => stagingBytes(depth, taps)));
  const arenaAt = take(arena.bytes);
  const scratchAt = take(drafts.scratchBytes * options.threads);
  end = Math.max(end, arenaAt + staging);
  const bytes = Math.ceil(end / 65536) * 65536;

  const address = (area: number) => arenaAt + arena.offsets[area]!;
  const records = new Int32Array(drafts.records.length * Field.size);
  for (const [index, { words, areas, weights, affine }] of drafts.records.entries()) {
    const record = records.subarray(index * Field.size);
    Object.assign(record, words);
    record[Field.zeros] = zerosAt;
    for (const [field, area] of Object.entries(areas)) record[Number(field)] = address(area);
    if (weights !== undefined) {
      const { weightsAt, biasAt, firstBytesAt } = jobs[weights]!;
      record[Field.weights] = weightsAt;
      record[Field.bias] = biasAt;
      record[Field.firstBytes] = firstBytesAt;
    }
    if (affine !== undefined) {
      record[Field.weights] = affines[affine]!.scaleAt;
      record[Field.bias] = affines[affine]!.shiftAt;
    }
  }
  const place = (value: ValueId): Place => {
    const shape = drafts.shape(value);
    const length = value === network.input ? shape.channels * shape.height * shape.width : valueLength(shape);
    return { at: address(drafts.areaOf[value]!), length };
  };
  return {
    records,
    steps: drafts.records.map((it) => it.step),
    stages,
    inputs: network.stages.map((stage) => place(stage.input)),
    outputs: network.stages.map((stage) => place(stage.output)),
    jobs,
    affines,
    integers: drafts.options.integers,
    recordsAt,
    syncAt,
    scratchAt,
    scratchBytes: drafts.scratchBytes,
    stagingAt: arenaAt,
    stagingBytes: staging,
    bytes,
    weightBytes,
    activationBytes: bytes - weightsFrom - weightBytes,
  };
}
