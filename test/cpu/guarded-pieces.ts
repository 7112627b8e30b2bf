import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { RESERVED } from "../../assembly/shared/sizes.js";
import { Sync } from "../../assembly/shared/sync.js";
import { shapeOf } from "../../src/cpu/choose/choose.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { lower } from "../../src/cpu/lower/lower.js";
import { instantiate, type Kernels } from "../../src/cpu/module.js";
import { packAll } from "../../src/cpu/pack/pack-all.js";
import { Drafts } from "../../src/cpu/program/drafts.js";
import type { CompileOptions, Program } from "../../src/cpu/program/program.js";
import { type TileName, tiles, useTile } from "../../src/cpu/program/tiles.js";
import type { ConvOp, Network } from "../../src/graph/network.js";

const GUARD = 1 << 15;
/** A NaN: what scratch holds before a record must not be summed. */
const WORD = 0x7fc0_dead;
/** A small float, in bytes: padding lanes are read before they are written. */
const FREE = 0x3c;
const PAGES = 768;

const guard = Buffer.from(new Int32Array(GUARD >> 2).fill(WORD).buffer);

/** Drafts that note the scratch which lowering asks for, before it is rounded to lines. */
class Needs extends Drafts {
  exact = 0;

  override needScratch(bytes: number): void {
    this.exact = Math.max(this.exact, bytes);
    super.needScratch(bytes);
  }
}

export interface Forced {
  readonly simd: "baseline" | "relaxed";
  readonly kernel: string;
  readonly threads: number;
  /** The tile that pieces and scratch are for, if it is known, and the one that runs. */
  readonly compiled: TileName | undefined;
  readonly tile: TileName;
}

const started = new Map<string, Promise<Kernels>>();

/** A module for threads, on one shared memory that all programs take in turns. */
function kernelsOf(simd: Forced["simd"]): Promise<Kernels> {
  const found = started.get(simd) ?? start(simd);
  started.set(simd, found);
  return found;
}

async function start(simd: Forced["simd"]): Promise<Kernels> {
  const file = readFileSync(new URL(`../../dist/cpu-${simd}-threads.wasm`, import.meta.url));
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  return instantiate(await WebAssembly.compile(file as BufferSource), memory);
}

/** One convolution as a network: it reads value 1, or the image, which is value 0, and adds what its second input names. */
export function alone(op: ConvOp, values: Network["values"]): Network {
  return {
    architecture: { name: "one operation" } as Network["architecture"],
    values,
    stages: [{ name: "op", input: op.inputs[0], output: op.output, ops: [op] }],
    input: 0,
    output: op.output,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
}

/**
 * Runs one convolution with a kernel that is forced, and fails where a record writes a word that is neither in its output's area nor in
 * the scratch that lowering asked for; or where weights are packed beyond the staging area. Runs it twice: by one thread, and
 * piece by piece as two threads would, the second one from the back with a scratch of its own. Both must leave the same bits.
 * `inputs`: NHWC, or an image's planes; the second one is the summand. Returns the output, NHWC with padded channels.
 */
export async function runForced(
  network: Network,
  inputs: readonly Float32Array[],
  { simd, kernel, threads, compiled, tile }: Forced,
): Promise<Float32Array> {
  const op = network.stages[0]!.ops[0] as ConvOp;
  const options: CompileOptions = {
    ...{ threads, memory: "fast", convolution: "auto", tile: compiled },
    kernels: { [shapeOf(op, network)]: kernel },
  };
  const needs = new Needs(network, options);
  lower(needs, op);
  const program = compile(network, options);
  const names = program.steps.map((step) => step.kernel).filter((name) => name !== "f32_input_nchw");
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(name.startsWith(kernel)).toBe(true);

  const kernels = await kernelsOf(simd);
  const { buffer } = kernels.memory;
  const bytes = Buffer.from(buffer);
  const words = new Int32Array(buffer);
  const exact = Math.ceil(needs.exact / 4) * 4;
  const scratches = [program.bytes + GUARD, Math.ceil((program.bytes + 2 * GUARD + exact) / 64) * 64] as const;
  const end = scratches[1] + exact + GUARD;
  if (end > buffer.byteLength) throw new Error(`${end} bytes are more than there are`);

  // Memory is zero when an engine takes it.
  bytes.fill(0, RESERVED, program.stagingAt);
  words.fill(WORD, program.stagingAt >> 2, end >> 2);
  await packAll(program, kernels, undefined, {});
  const pattern = Buffer.alloc(Math.max(4, program.bytes - program.stagingAt), guard.subarray(0, 4));
  const staged = program.stagingAt + program.stagingBytes;
  const beyond = bytes.subarray(staged, program.bytes);
  expect(beyond.equals(pattern.subarray(0, beyond.length)), "weights were packed beyond the staging area").toBe(true);
  words.set(program.records, program.recordsAt >> 2);
  useTile(kernels.memory, program, tiles[tile]);

  const checkGuards = (what: string) => {
    for (const at of [scratches[0] - GUARD, scratches[1] - GUARD, scratches[1] + exact]) {
      expect(bytes.compare(guard, 0, GUARD, at, at + GUARD), `${what} wrote beyond its scratch`).toBe(0);
    }
    const behind = scratches[0] + exact;
    expect(bytes.compare(guard, 0, GUARD, behind, behind + GUARD), `${what} wrote beyond its scratch`).toBe(0);
  };
  const output = program.outputs[0]!;
  const wholeRun = (run: (index: number) => void): Float32Array => {
    bytes.fill(FREE, program.stagingAt, program.bytes);
    place(program, 0, Field.input, words, inputs[0]!);
    for (const [index, { areas }] of needs.records.entries()) {
      // Nothing writes the summand here, so that its area may be another's before.
      if (inputs[1] && index === program.steps.length - 1) place(program, index, Field.residual, words, inputs[1]);
      for (const scratch of scratches) words.fill(WORD, scratch >> 2, (scratch + exact) >> 2);
      const before = Buffer.from(bytes.subarray(0, program.bytes));
      run(index);
      const what = `${program.steps[index]!.kernel}, tile ${compiled} run as ${tile}, ${threads} threads`;
      checkGuards(what);
      const at = program.records[index * Field.size + Field.output]!;
      const stop = at + needs.areas[areas[Field.output]!]!.bytes;
      const isAsBefore = (from: number, to: number) => bytes.compare(before, from, to, from, to) === 0;
      // Counters of threads lie between the constants and the records.
      expect(
        isAsBefore(program.recordsAt, at) && isAsBefore(stop, program.bytes),
        `${what} wrote beside its output`,
      ).toBe(true);
    }
    return new Float32Array(buffer, output.at, output.length).slice();
  };
  const whole = wholeRun((index) => kernels.run(program.recordsAt, index, index + 1, scratches[0]));
  const shared = wholeRun((index) => {
    const pieces = program.records[index * Field.size + Field.pieces]!;
    for (let piece = 0; piece < pieces; piece++) {
      const which = (piece & 1) as 0 | 1;
      onePiece(kernels, program, index, piece, scratches[which], which);
    }
  });
  expect(Buffer.compare(Buffer.from(shared.buffer), Buffer.from(whole.buffer)), "two threads' answer").toBe(0);
  return whole;
}

/** Writes values where a record reads them, as bits. */
function place({ records }: Program, index: number, field: Field, words: Int32Array, values: Float32Array): void {
  const at = records[index * Field.size + field]!;
  words.set(new Int32Array(values.buffer, values.byteOffset, values.length), at >> 2);
}

/** Has a helper thread's loop find one free piece, and leave since another thread is said to have died. */
function onePiece(
  kernels: Kernels,
  { recordsAt, syncAt }: Program,
  index: number,
  piece: number,
  scratch: number,
  last: 0 | 1,
): void {
  const sync = new Int32Array(kernels.memory.buffer, syncAt, Sync.size >> 2).fill(0);
  sync[Sync.ticket >> 2] = (piece << 16) | (piece + 1);
  sync[(Sync.ticket >> 2) + 1] = 1;
  sync[Sync.offset >> 2] = index - 1;
  // So that no piece is the last one.
  sync[Sync.done >> 2] = -(2 ** 30);
  sync[Sync.failed >> 2] = 1;
  kernels.serve(recordsAt, scratch, syncAt, last);
  expect(sync[Sync.done >> 2], "one piece was taken").toBe(1 - 2 ** 30);
}
