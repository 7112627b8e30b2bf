import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { compile } from "../../src/cpu/lower/compile.js";
import { instantiate } from "../../src/cpu/module.js";
import { packAll } from "../../src/cpu/pack/pack-all.js";
import type { CompileOptions } from "../../src/cpu/program/program.js";
import { type TileName, tiles, useTile } from "../../src/cpu/program/tiles.js";
import type { Network } from "../../src/graph/network.js";

/** Bytes on either side of a thread's scratch; a kernel that runs over goes a row too far, or a plane. */
const GUARD = 1 << 16;
const WORD = 0x7fc0_dead;

const modules = new Map<string, WebAssembly.Module>();

function moduleOf(simd: "baseline" | "relaxed"): WebAssembly.Module {
  const found =
    modules.get(simd) ??
    new WebAssembly.Module(readFileSync(new URL(`../../dist/cpu-${simd}.wasm`, import.meta.url)) as BufferSource);
  modules.set(simd, found);
  return found;
}

export interface GuardOptions extends Partial<CompileOptions> {
  readonly simd?: "baseline" | "relaxed";
  readonly tile?: TileName;
}

/**
 * Runs stages from `first` on with the scratch between guard words, and fails where a record writes over them, or over weights. What
 * scratch holds before each record is NaN. `threads`: as many as the program is compiled for; one thread runs it. Returns the output.
 */
export async function runGuarded(
  network: Network,
  first: number,
  input: Float32Array,
  { simd = "baseline", tile = "4x8", threads = 1, memory = "fast", convolution = "auto", ...rest }: GuardOptions,
): Promise<Float32Array> {
  const program = compile(network, { threads, memory, convolution, tile, ...rest });
  const from = program.bytes + GUARD;
  const end = from + program.scratchBytes;
  const wasm = new WebAssembly.Memory({ initial: Math.ceil((end + GUARD) / 65536) });
  const kernels = await instantiate(moduleOf(simd), wasm);
  await packAll(program, kernels, undefined, {});
  new Uint8Array(wasm.buffer, program.stagingAt, program.stagingBytes).fill(0);
  new Int32Array(wasm.buffer, program.recordsAt, program.records.length).set(program.records);
  useTile(wasm, program, tiles[tile]);
  const { at, length } = program.inputs[first]!;
  new Float32Array(wasm.buffer, at, length).set(input);
  const weights = new Uint8Array(wasm.buffer, 0, program.stagingAt);
  const before = weights.slice();
  const words = new Int32Array(wasm.buffer);
  const isWhole = (begin: number, stop: number) => {
    for (let index = begin >> 2; index < stop >> 2; index++) if (words[index] !== WORD) return false;
    return true;
  };
  for (let index = program.stages[first]!.begin; index < program.steps.length; index++) {
    words.fill(WORD, program.bytes >> 2);
    kernels.run(program.recordsAt, index, index + 1, from);
    const { kernel, name } = program.steps[index]!;
    expect(isWhole(program.bytes, from), `${kernel} of ${name} wrote in front of its scratch`).toBe(true);
    expect(isWhole(end, end + GUARD), `${kernel} of ${name} wrote behind its scratch`).toBe(true);
  }
  expect(Buffer.compare(weights, before), "weights or records were written over").toBe(0);
  const output = program.outputs.at(-1)!;
  return new Float32Array(wasm.buffer, output.at, output.length).slice();
}
