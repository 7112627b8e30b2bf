import { expect, test } from "vitest";
import { TRIAL_OUTPUT, TRIAL_WEIGHTS } from "../../assembly/shared/sizes.js";
import { measure, openIntegers } from "../../src/cpu/int8/open.js";
import { fillTrial, isRight } from "../../src/cpu/int8/tile-check.js";
import { instantiate, type Kernels } from "../../src/cpu/module.js";
import { WasmError } from "../../src/errors.js";
import type { Graph } from "../../src/graph/network.js";
import { wasm } from "../cpu/engine.js";
import { setups } from "./run-record.js";

const AT = 1 << 16;
const kernelsOf = async (simd: "baseline" | "relaxed") =>
  instantiate(await wasm(`int8-${simd}`), new WebAssembly.Memory({ initial: 4 }));

test.each(setups.filter(({ dot }) => !dot))(
  "$simd, $name: what the trial leaves is right, and one wrong byte is seen",
  async ({ simd, tile }) => {
    const { memory, trial } = await kernelsOf(simd);
    fillTrial(memory.buffer, AT);
    trial(tile, AT, 1);
    expect(isRight(memory.buffer, AT, 2)).toBe(true);
    const bytes = new Int8Array(memory.buffer);
    for (const at of [AT + TRIAL_OUTPUT, AT + TRIAL_WEIGHTS - 1]) {
      const own = bytes[at]!;
      bytes[at] = own ^ 64;
      expect(isRight(memory.buffer, AT, 2)).toBe(false);
      bytes[at] = own;
    }
  },
);

test("a tile that is wrong is not taken, however fast it is", async () => {
  const kernels = await kernelsOf("relaxed");
  const { tile: wide } = setups.find(({ dot }) => !dot)!;
  const lying: Kernels = {
    ...kernels,
    trial(tile, at, rounds) {
      if (tile === wide) kernels.trial(tile, at, rounds);
      else new Int8Array(kernels.memory.buffer, at + TRIAL_OUTPUT, 768).fill(1);
    },
  };
  expect(measure(lying, true).name).toBe("wide");
});

/** Of one linear layer with so many weights, each of which is multiplied once. */
const linear = (weights: number) =>
  ({
    stages: [{ name: "head", ops: [{ kind: "linear", inputs: [0], output: 0, weight: { shape: [weights] } }] }],
    values: [{ channels: 1, height: 1, width: 1 }],
  }) as unknown as Graph;
const small = linear(160e6);
const large = linear(1.8e9);

/** A store, and what it holds. */
function keeping() {
  const kept = new Map<string, string>();
  const store = {
    get: async (key: string) => kept.get(key) ?? null,
    set: async (key: string, value: string) => void kept.set(key, value),
  };
  return { kept, store };
}

test("a module of one's own without kernels for integers is told by name, whatever was kept of another", async () => {
  const traits = { int8: true, relaxed: false };
  const { kept, store } = keeping();
  expect(await openIntegers(large, await wasm("int8-baseline"), traits, false, { store })).toMatchObject({
    name: "wide",
  });
  expect(kept.size).toBe(1);
  const opened = openIntegers(large, await wasm("baseline"), traits, false, { store });
  await expect(opened).rejects.toThrow(WasmError);
  await expect(opened).rejects.toThrow(/give cpu-int8-baseline\.wasm, or load the model with precision: "f32"/);
  expect(await openIntegers(large, await wasm("int8-baseline"), traits, true, { store })).toBeNull();
});

test("a small network waits for no clock and keeps nothing; what another one measured is taken", async () => {
  const traits = { int8: true, relaxed: false };
  const { kept, store } = keeping();
  const open = async (network: Graph) => openIntegers(network, await wasm("int8-baseline"), traits, false, { store });
  expect(await open(small)).toMatchObject({ name: "wide", filtering: 2 });
  expect(kept.size).toBe(0);
  const { filtering } = (await open(large))!;
  expect(filtering).not.toBe(2);
  expect(await open(small)).toMatchObject({ name: "wide", filtering });
});

test("products of halves take what the clock says of the engine, and are the baseline modules' alone", async () => {
  const open = async (simd: "baseline" | "relaxed") =>
    openIntegers(large, await wasm(`int8-${simd}`), { int8: true, relaxed: simd === "relaxed" }, false, {});
  const { halving, filtering, pairs } = (await open("baseline"))!;
  expect(halving).toBeGreaterThan(0.3);
  expect(halving).toBeLessThan(3);
  // Both are of the same products, where minimal filtering takes one panel at a time.
  if (!pairs) expect(filtering / halving).toBeCloseTo(0.86, 6);
  expect((await open("relaxed"))!.halving).toBe(Number.POSITIVE_INFINITY);
});
