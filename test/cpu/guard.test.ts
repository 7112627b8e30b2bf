import { describe, expect, test } from "vitest";
import { RESERVED } from "../../assembly/shared/sizes.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor, modules, wasm } from "./engine.js";
import { runGuarded } from "./guarded.js";
import { values } from "./one-operation.js";

/** Pooled and classified last, so that the output is a vector. */
const networks = [
  ["resnet20", 32],
  ["resnet18", 97],
  ["resnet50", 65],
] as const;

describe.each(modules)("no thread writes beyond its scratch, %s", (simd) => {
  describe.each(networks)("%s at %d", (name, inputSize) => {
    const network = pseudoRandomNetwork(name, { inputSize });
    const input = values(3 * inputSize * inputSize);
    test.each(["4x8", "6x8", "6x16"] as const)(
      "tile %s, and answers are the same for any number of threads",
      async (tile) => {
        if (simd === "baseline" && tile !== "4x8") return;
        const answers: Float32Array[] = [];
        for (const threads of [1, 3]) answers.push(await runGuarded(network, 0, input, { simd, tile, threads }));
        for (const answer of answers) {
          const largest = answer.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expect(largest).toBeGreaterThan(0);
          const error = answer.reduce((most, value, at) => Math.max(most, Math.abs(value - answers[0]![at]!)), 0);
          expect(error / largest).toBeLessThan(1e-4);
        }
      },
    );
  });

  describe.each(["direct", "winograd2", "winograd4", "winograd4-lean", "auto"] as const)(
    "convolution %s",
    (convolution) => {
      test.each(["fast", "small"] as const)("memory %s", async (memory) => {
        const network = pseudoRandomNetwork("resnet20", { inputSize: 32 });
        const input = values(3 * 32 * 32);
        const direct = await runGuarded(network, 0, input, { simd, convolution: "direct" });
        const largest = direct.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        for (const threads of [1, 2]) {
          const answer = await runGuarded(network, 0, input, { simd, convolution, memory, threads });
          const error = answer.reduce((most, value, at) => Math.max(most, Math.abs(value - direct[at]!)), 0);
          expect(error / largest).toBeLessThan(1e-4);
        }
      });
    },
  );

  test("the engine's own answer", async () => {
    const network = pseudoRandomNetwork("resnet20", { inputSize: 32 });
    const input = values(3 * 32 * 32);
    const engine = await engineFor(network, { simd, tile: "4x8" });
    const answer = await engine.run(0, network.stages.length - 1, input);
    const guarded = await runGuarded(network, 0, input, { simd });
    expect(guarded.subarray(0, 10)).toEqual(answer);
    await engine.close();
  });
});

const variants = (["", "int8-", "extended-"] as const).flatMap((kind) =>
  (["baseline", "relaxed", "baseline-threads", "relaxed-threads"] as const).map((name) => `${kind}${name}` as const),
);

test.each(variants)("the constants of the module %s end below what is laid out", async (variant) => {
  await wasm(variant);
  const { readFileSync } = await import("node:fs");
  const end = dataEnd(readFileSync(new URL(`../../dist/cpu-${variant}.wasm`, import.meta.url)));
  expect(end).toBeGreaterThan(0);
  expect(end).toBeLessThanOrEqual(RESERVED);
});

/** Where a module's data segments end in its memory: section 11 of the binary format. */
function dataEnd(bytes: Uint8Array): number {
  let at = 8;
  const unsigned = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  let last = 0;
  while (at < bytes.length) {
    const id = bytes[at++]!;
    const end = unsigned() + at;
    if (id === 11) {
      for (let left = unsigned(); left > 0; left--) {
        // Active, in memory 0: i32.const, the offset, end. Offsets are signed, and these are small.
        expect([bytes[at++], bytes[at++]]).toEqual([0, 0x41]);
        const offset = unsigned();
        expect(bytes[at++]).toBe(0x0b);
        const length = unsigned();
        last = Math.max(last, offset + length);
        at += length;
      }
    }
    at = end;
  }
  return last;
}
