import { describe, expect, test } from "vitest";
import { buildNetwork } from "../../src/model/index.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { engineFor, modules } from "./engine.js";

// A NaN that a ReLU or a transform dropped would make an answer that looks sound.
describe.each(modules)("a NaN in the input reaches the logits, %s", (simd) => {
  for (const { name, size, input } of networkFixtures) {
    test.each(["auto", "direct", "winograd2", "winograd4", "winograd4-lean"] as const)(
      `${name}, %s`,
      async (convolution) => {
        const network = buildNetwork(fixtureState(name), { inputSize: size });
        const engine = await engineFor(network, { simd, convolution });
        const pixels = input.length / 3;
        for (const at of [0, pixels >> 1, pixels + (pixels >> 1) + (Math.sqrt(pixels) >> 1), input.length - 1]) {
          const damaged = Float32Array.from(input);
          damaged[at] = Number.NaN;
          const logits = await engine.run(0, network.stages.length - 1, damaged);
          expect(logits.some(Number.isNaN), `value ${at}`).toBe(true);
        }
        // Nothing of it stays behind.
        expect((await engine.run(0, network.stages.length - 1, input)).some(Number.isNaN)).toBe(false);
        await engine.close();
      },
    );
  }
});
