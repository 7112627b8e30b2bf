import { expect } from "vitest";
import { lowerExtended } from "../../../src/cpu/extended/lower.js";
import { compile } from "../../../src/cpu/lower/compile.js";
import { createMemory, instantiate, type Kernels, type Variant } from "../../../src/cpu/module.js";
import { packAll } from "../../../src/cpu/pack/pack-all.js";
import type { Program } from "../../../src/cpu/program/program.js";
import { type TileName, tiles, useTile } from "../../../src/cpu/program/tiles.js";
import type { Network, Op, ValueId, ValueShape } from "../../../src/graph/network.js";
import { paddedChannels } from "../../../src/graph/tensor.js";
import { runOp } from "../../model/reference.js";
import { toNhwc } from "../check.js";
import { modules, wasm } from "../engine.js";
import { conv, values as randomValues, weightOf } from "../one-operation.js";

/** The four modules, each with pieces for another number of threads. */
export const setups = modules.flatMap((simd) => [
  { variant: `extended-${simd}`, threads: 1 } as const,
  { variant: `extended-${simd}-threads`, threads: 3 } as const,
]);
export type Setup = (typeof setups)[number];

const GUARD = 1 << 12;
const WORD = 0x7fc0_dead;
const compiled = new Map<Variant, Promise<WebAssembly.Module>>();

function moduleOf(variant: Variant): Promise<WebAssembly.Module> {
  const module = compiled.get(variant) ?? wasm(variant);
  compiled.set(variant, module);
  return module;
}

export interface Ran {
  readonly program: Program;
  /** The last operation's output, NHWC with padded channels. */
  readonly output: Float32Array;
}

/**
 * Runs operations on given values: value 0 is an image of one pixel, values 1 to `inputs.length` are the inputs (CHW), the rest are
 * results. What memory holds before is NaN, and scratch stands between guard words.
 */
export async function run(
  ops: readonly Op[],
  shapes: readonly ValueShape[],
  inputs: readonly ArrayLike<number>[],
  { variant, threads }: Setup,
  tile: TileName = "4x8",
): Promise<Ran> {
  const network = networkOf(ops, shapes, inputs.length);
  const program = compile(network, { threads, memory: "fast", convolution: "auto", tile, lower: lowerExtended });
  const from = program.bytes + GUARD;
  const end = from + program.scratchBytes;
  const shared = variant.endsWith("threads");
  const kernels = await instantiate(await moduleOf(variant), createMemory(end + GUARD, end + GUARD, shared));
  await packAll(program, kernels, undefined, {});
  const words = new Int32Array(kernels.memory.buffer);
  words.fill(WORD, program.stagingAt >> 2);
  words.set(program.records, program.recordsAt >> 2);
  useTile(kernels.memory, program, tiles[tile]);
  const first = program.steps.findIndex(({ name }) => !name.startsWith("bring"));
  for (const [at, input] of inputs.entries()) {
    // Only as long as it is needed has a value a place of its own, and all inputs are read after the first record.
    new Float32Array(kernels.memory.buffer, placeOf(program, network, at + 1)).set(toNhwc(input, shapes[at + 1]!));
  }
  const before = new Uint8Array(kernels.memory.buffer, 0, program.stagingAt).slice();
  for (let index = first; index < program.steps.length; index++) runOne(kernels, program, index, from);
  expect(Buffer.compare(new Uint8Array(kernels.memory.buffer, 0, program.stagingAt), before), "weights").toBe(0);
  for (const [begin, stop] of [
    [program.bytes, from],
    [end, end + GUARD],
  ] as const) {
    expect(
      words.subarray(begin >> 2, stop >> 2).every((word) => word === WORD),
      "guard words",
    ).toBe(true);
  }
  const { at, length } = program.outputs[0]!;
  return { program, output: new Float32Array(kernels.memory.buffer, at, length).slice() };
}

function runOne(kernels: Kernels, { recordsAt }: Program, index: number, scratch: number): void {
  kernels.run(recordsAt, index, index + 1, scratch);
}

/** Where the record that brings an input in leaves it. */
function placeOf(program: Program, network: Network, value: ValueId): number {
  const index = program.steps.findLastIndex(({ name }) => name === `bring ${value}`);
  expect(index).toBeGreaterThanOrEqual(0);
  expect(network.values[value]).toBeDefined();
  // The head's word for the output.
  return program.records[index * 32 + 4]!;
}

function networkOf(ops: readonly Op[], shapes: readonly ValueShape[], inputs: number): Network {
  // Each comes of a padding of one pixel, so that its place is written by a record.
  const bring = Array.from({ length: inputs }, (_, at): Op => {
    const { height, width, channels } = shapes[at + 1]!;
    const weight = weightOf([channels, shapes[0]!.channels, 1, 1]);
    const padding = [height - 1, width - 1, 0, 0] as const;
    // With a ReLU it takes no activation over.
    return conv({ name: `bring ${at + 1}`, inputs: [0], output: at + 1, weight, padding, relu: true });
  });
  const output = ops.at(-1)!.output;
  return {
    architecture: { name: "operations", classes: 0 },
    values: shapes,
    stages: [{ name: "all", input: 0, output, ops: [...bring, ...ops] }],
    input: 0,
    output,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
}

const image: ValueShape = { height: 1, width: 1, channels: 3 };

export interface Checked {
  /** Of the largest value; the default is a few roundings. */
  readonly tolerance?: number;
  readonly given?: readonly ArrayLike<number>[];
  readonly tile?: TileName;
}

/**
 * Operations against plain loops in f64. `shapes`: of the inputs, then of each operation's output; they are values 1, 2 and so on.
 * Returns the kernels' names.
 */
export async function check(
  ops: readonly Op[],
  inputs: readonly ValueShape[],
  results: readonly ValueShape[],
  setup: Setup,
  { tolerance = 2e-6, given, tile }: Checked = {},
): Promise<string[]> {
  const shapes = [image, ...inputs, ...results];
  const x = inputs.map((shape, at) => given?.[at] ?? randomValues(shape.height * shape.width * shape.channels));
  const known = new Map<ValueId, Float64Array>(x.map((values, at) => [at + 1, Float64Array.from(values)]));
  for (const op of ops)
    known.set(
      op.output,
      runOp(
        op,
        (id) => known.get(id)!,
        (id) => shapes[id]!,
      ),
    );
  const last = ops.at(-1)!.output;
  const expected = toNhwc(known.get(last)!, shapes[last]!);
  const { program, output } = await run(ops, shapes, x, setup, tile);
  let largest = 1e-30;
  for (const value of expected) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  const step = paddedChannels(shapes[last]!.channels);
  for (const [at, value] of expected.entries()) {
    const isRight = Object.is(output[at]! + 0, value + 0) || Math.abs(output[at]! - value) <= tolerance * largest;
    if (!isRight) {
      const [pixel, channel] = [Math.floor(at / step), at % step];
      expect.fail(`pixel ${pixel}, channel ${channel}: ${output[at]}, not ${value}; the largest is ${largest}`);
    }
  }
  return program.steps.map(({ kernel }) => kernel).slice(-ops.length);
}
