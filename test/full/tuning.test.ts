import { expect, test } from "vitest";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor, modules } from "../cpu/engine.js";

const ROUNDS = 25;

/**
 * Alternating, medians: what was chosen may not lose by more than 3 % to any one kernel for all layers that the memory
 * setting has room for (F(4x4) on weights transformed at load, everywhere, takes 1.7 times as much).
 */
test.each(modules.flatMap((simd) => ["resnet18", "resnet50"].map((name) => [simd, name] as const)))(
  "%s %s: auto against each fixed choice",
  async (simd, name) => {
    const network = pseudoRandomNetwork(name);
    const last = network.stages.length - 1;
    const input = Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => Math.sin(index));
    const choices = ["auto", "direct", "winograd2", "winograd4-lean"] as const;
    const engines = [];
    for (const convolution of choices) engines.push(await engineFor(network, { simd, convolution, threads: 1 }));
    const times = choices.map(() => [] as number[]);
    for (let round = -3; round < ROUNDS; round++) {
      for (const [index, engine] of engines.entries()) {
        const start = performance.now();
        await engine.run(0, last, input);
        if (round >= 0) times[index]!.push(performance.now() - start);
      }
    }
    for (const engine of engines) await engine.close();
    const medians = times.map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1]!);
    console.log(`${simd} ${name}: ${choices.map((it, index) => `${it} ${medians[index]!.toFixed(1)} ms`).join(", ")}`);
    expect(medians[0]! / Math.min(...medians.slice(1))).toBeLessThan(1.03);
  },
);
