import { Field, Tile } from "../../assembly/shared/record.js";
import { lowerBounded, tools } from "../../src/cpu/int8/bounded.js";
import { checkFinite, fromFloat, toFloat } from "../../src/cpu/int8/places.js";
import { plain } from "../../src/cpu/int8/plain.js";
import { lowerRounded } from "../../src/cpu/int8/rounded.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { instantiate } from "../../src/cpu/module.js";
import { packAll } from "../../src/cpu/pack/pack-all.js";
import type { Drafts } from "../../src/cpu/program/drafts.js";
import type { Network, Op, ValueShape } from "../../src/graph/network.js";
import { conv, weightOf } from "../cpu/one-operation.js";

export interface Setup {
  readonly simd: "baseline" | "relaxed";
  readonly tile: Tile;
  readonly name: string;
  /** Whether it has the dot product of bytes. */
  readonly dot: boolean;
  readonly threads?: number;
  /** Whether 3x3 convolutions take minimal filtering, whatever it takes. */
  readonly filtered?: boolean;
  /** Whether convolutions take products of halves, whatever they take. */
  readonly halved?: boolean;
  /** Whether minimal filtering multiplies two panels at a time. */
  readonly pairs?: boolean;
}

/** What the modules have to choose from: the baseline widens, the relaxed one has a dot product of bytes in three tiles as well. */
export const setups: readonly Setup[] = [
  { simd: "baseline", tile: Tile.qs8_wide, name: "sixteen bits", dot: false },
  { simd: "relaxed", tile: Tile.qs8_wide, name: "sixteen bits, pieces for two threads", dot: false, threads: 2 },
  { simd: "baseline", tile: Tile.qs8_wide, name: "minimal filtering", dot: false, filtered: true },
  { simd: "baseline", tile: Tile.qs8_wide, name: "products of halves", dot: false, halved: true },
  {
    ...{ simd: "baseline", tile: Tile.qs8_wide, name: "products of halves, pieces for two threads", dot: false },
    ...{ threads: 2, halved: true },
  },
  {
    ...{ simd: "relaxed", tile: Tile.qs8_wide, name: "minimal filtering, pieces for two threads", dot: false },
    ...{ threads: 2, filtered: true },
  },
  {
    simd: "baseline",
    tile: Tile.qs8_wide,
    name: "minimal filtering of two panels",
    dot: false,
    filtered: true,
    pairs: true,
  },
  { simd: "relaxed", tile: Tile.qs8_4x8, name: "4x8", dot: true },
  { simd: "relaxed", tile: Tile.qs8_6x8, name: "6x8, pieces for three threads", dot: true, threads: 3 },
  { simd: "relaxed", tile: Tile.qs8_6x16, name: "6x16", dot: true },
];

const GUARD = 1 << 16;
const WORD = 0x7fc0_dead;

/**
 * Runs one operation's record on integers, [H][W][C] without padding, with its scratch between guard words. `shapes`: of the image, of
 * the input, of the summand, of the output; the operation reads values 1 and 2 and makes 3. `raw`: the input as it lies
 * in memory. `isRounded`: it is of another maker's graph. Returns what lies in the output's place.
 */
export async function runRecord(
  op: Op,
  shapes: readonly [ValueShape, ValueShape, ValueShape, ValueShape],
  inputs: readonly (Int8Array | Int16Array)[],
  { tile, threads = 1, filtered = false, halved = false, pairs = false }: Setup,
  module: WebAssembly.Module,
  { raw, isRounded = false }: { readonly raw?: Int8Array; readonly isRounded?: boolean } = {},
): Promise<DataView> {
  const bring = (value: 1 | 2) =>
    conv({
      name: `bring ${value}`,
      inputs: [0],
      output: value,
      weight: weightOf([shapes[value].channels, shapes[0].channels, 1, 1]),
    });
  const values = [...shapes];
  const network: Network = {
    architecture: { name: "one operation" } as Network["architecture"],
    values,
    stages: [{ name: "all", input: 0, output: 3, ops: [bring(1), bring(2), op] }],
    input: 0,
    output: 3,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
  const integers = {
    ...{ tile, name: "", pairs },
    filtering: filtered ? 0 : Number.POSITIVE_INFINITY,
    halving: halved ? 0 : Number.POSITIVE_INFINITY,
    ...{
      lower: (drafts: object, op: Op) =>
        isRounded ? lowerRounded(tools, plain, drafts as Drafts, op) : lowerBounded(plain, drafts as Drafts, op),
      checkFinite,
      toFloat,
      fromFloat,
    },
  };
  const program = compile(network, { threads, memory: "fast", convolution: "auto", integers });
  const from = program.bytes + GUARD;
  const end = from + program.scratchBytes;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((end + GUARD) / 65536) });
  const kernels = await instantiate(module, memory);
  await packAll(program, kernels, undefined, {});
  const words = new Int32Array(memory.buffer);
  const bytes = new Int8Array(memory.buffer);
  bytes.fill(0, program.stagingAt, program.bytes);
  words.set(program.records, program.recordsAt >> 2);
  const index = program.steps.findIndex((step) => step.name === op.name);
  const steps = program.steps.filter((step) => step.name === op.name);
  const fills = steps.filter(({ kernel }) => kernel === "qs8_fill").length;
  const own = steps
    .map(({ kernel }) => kernel.slice(0, 4))
    .slice(fills)
    .join();
  const wanted = op.kind === "averagePool" ? "qs8_,f32_,qs8_" : "qs8_";
  if (own !== wanted) throw new Error(`${op.name} was lowered to ${own}`);
  const isHalved = steps.some(({ kernel }) => kernel === "qs8_conv_strassen");
  const isFiltered = steps.some(({ kernel }) => kernel === "qs8_conv3x3_winograd4");
  const canBeHalved = op.kind === "conv" && op.groups === 1 && !isFiltered;
  if (isHalved !== (canBeHalved && halved)) throw new Error(`${op.name}: halves are taken: ${isHalved}`);
  const record = program.records.subarray((index + fills) * Field.size);
  for (const [which, field] of [Field.input, Field.residual].entries()) {
    const values = inputs[which];
    if (!values) continue;
    const { channels } = shapes[which + 1]!;
    const step = Math.ceil(channels / 16) * 16;
    for (let at = 0; at < values.length; at++) {
      bytes[record[field]! + Math.floor(at / channels) * step + (at % channels)] = values[at]!;
    }
  }
  if (raw) bytes.set(raw, record[Field.input]!);
  const weights = new Uint8Array(memory.buffer, 0, program.stagingAt);
  const before = weights.slice();
  words.fill(WORD, program.bytes >> 2);
  kernels.run(program.recordsAt, index, index + steps.length, from);
  for (const [begin, stop] of [
    [program.bytes, from],
    [end, end + GUARD],
  ] as const) {
    if (!words.subarray(begin >> 2, stop >> 2).every((word) => word === WORD))
      throw new Error("guard words were written over");
  }
  if (weights.some((byte, at) => byte !== before[at])) throw new Error("weights or records were written over");
  const last = (index + steps.length - 1) * Field.size;
  return new DataView(memory.buffer, program.records[last + Field.output]!);
}
