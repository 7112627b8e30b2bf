import { describe, expect, test } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { createMemory, instantiate, type Kernels } from "../../src/cpu/module.js";
import { packAll } from "../../src/cpu/pack/pack-all.js";
import type { PackJob, Program } from "../../src/cpu/program/program.js";
import { type TileName, tiles, useTile } from "../../src/cpu/program/tiles.js";
import { modules, wasm } from "./engine.js";
import { conv, convOutput, networkOf, weightOf } from "./one-operation.js";

const LINE = 64;

/** A convolution, packed, and its weights' cache lines. */
interface Packed {
  readonly program: Program;
  readonly kernels: Kernels;
  readonly job: PackJob;
  /** Of the convolution alone. */
  readonly run: () => void;
  readonly weights: Uint8Array;
  readonly notes: Uint8Array;
}

async function packed(
  simd: "baseline" | "relaxed",
  tile: TileName,
  [height, width, channels, out, size]: readonly [number, number, number, number, number],
  threads = 1,
  groups = 1,
): Promise<Packed> {
  const input = { height, width, channels };
  const op = conv({
    weight: weightOf([out, channels / groups, size, size]),
    padding: [size >> 1, size >> 1, size >> 1, size >> 1],
    groups,
  });
  const placed = networkOf(op, [{ ...input, channels: 3 }, input, convOutput(op, input)]);
  const network = { ...placed, stages: placed.stages.slice(0, 2) };
  const program = compile(network, { threads, memory: "fast", convolution: size === 3 ? "direct" : "auto", tile });
  const memory = createMemory(program.bytes, program.bytes, false);
  const kernels = await instantiate(await wasm(simd), memory);
  new Int32Array(memory.buffer, program.recordsAt, program.records.length).set(program.records);
  useTile(memory, program, tiles[tile]);
  await packAll(program, kernels, undefined, {});
  const job = program.jobs[1]!;
  const { begin, end } = program.stages[1]!;
  const bytes = job.groupOut * groups * (channels / groups) * size * size * 4;
  return {
    program,
    kernels,
    job,
    run: () => kernels.run(program.recordsAt, begin, end, program.scratchAt),
    weights: new Uint8Array(memory.buffer, job.weightsAt, bytes),
    notes: new Uint8Array(memory.buffer, job.firstBytesAt, bytes / LINE),
  };
}

/** As `toEqual`, which takes seconds for megabytes. */
const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

describe.each(modules)("%s", (simd) => {
  const known: TileName[] = simd === "relaxed" ? ["4x8", "6x8", "6x16"] : ["4x8"];
  const cases = known.flatMap((tile) => [
    { tile, shape: [7, 7, 512, 160, 1] as const },
    { tile, shape: [7, 7, 1040, 256, 1] as const },
    { tile, shape: [6, 5, 24, 136, 3] as const },
  ]);

  test.each(cases)("a run leaves weights as they were: tile $tile, $shape", async ({ tile, shape }) => {
    const { run, weights, notes } = await packed(simd, tile, shape);
    expect(notes.every((note, line) => note === weights[line * LINE])).toBe(true);
    const before = weights.slice();
    run();
    expect(isSame(weights, before)).toBe(true);
  });

  // What is noted falsely shows in the lines that were asked for.
  test.each(cases)("each line but the first panels' is asked for, and none beyond: tile $tile, $shape", async (it) => {
    const { run, weights, notes, program, kernels, job } = await packed(simd, it.tile, it.shape);
    const [, , channels, , size] = it.shape;
    for (const [line, note] of notes.entries()) notes[line] = note ^ 0xff;
    const end = job.weightsAt + weights.length;
    const memory = new Uint8Array(kernels.memory.buffer);
    const outside = () => [memory.slice(0, job.weightsAt), memory.slice(end, program.stagingAt)];
    const [before, after] = outside();
    const asPacked = weights.slice();
    run();
    const changed = new Set<number>();
    for (const [at, byte] of weights.entries()) if (byte !== asPacked[at]) changed.add(at);
    const panelBytes = channels * size * size * 32;
    const panels = weights.length / panelBytes;
    const strassen = program.steps.at(-1)!.kernel === "f32_conv1x1_strassen";
    const halves = strassen ? [0, panels / 2] : [0];
    const first = strassen ? 4 : it.tile === "6x16" ? 2 : 1;
    const isFirst = (panel: number) => halves.some((half) => panel >= half && panel < half + first);
    const expected = new Set<number>();
    for (let at = 0; at < weights.length; at += LINE) if (!isFirst(Math.floor(at / panelBytes))) expected.add(at);
    expect(changed).toEqual(expected);
    const [beforeNow, afterNow] = outside();
    expect(isSame(beforeNow!, before!) && isSame(afterNow!, after!)).toBe(true);
  });
});

test.each(modules)("%s: panels that are no whole lines stay as they were, since nothing is asked for", async (simd) => {
  const { run, weights, job } = await packed(simd, "4x8", [7, 7, 6, 64, 3], 1, 2);
  const before = weights.slice();
  run();
  expect(isSame(weights, before)).toBe(true);
  expect(job.firstBytesAt).toBe(0);
});

test("lines that several pieces read are not asked for, nor those of few rows", async () => {
  const noted = async (shape: readonly [number, number, number, number, number], threads: number) =>
    (await packed("baseline", "4x8", shape, threads)).program.records.at(Field.firstBytes - Field.size)! > 0;
  expect([await noted([7, 7, 64, 256, 1], 1), await noted([7, 7, 64, 256, 1], 2)]).toEqual([true, true]);
  expect(await noted([56, 56, 64, 64, 1], 1)).toBe(false);
  expect(await noted([3, 3, 64, 256, 3], 1)).toBe(false);
});
