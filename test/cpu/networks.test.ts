import { describe, expect, test } from "vitest";
import { buildNetwork } from "../../src/model/index.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { engineFor, modules } from "./engine.js";

describe.each(modules)("whole networks against PyTorch, %s", (simd) => {
  for (const { name, size, input, logits, features } of networkFixtures) {
    test.each(["auto", "direct", "winograd2", "winograd4"] as const)(`${name}, %s`, async (convolution) => {
      for (const foldBatchNorm of [true, false]) {
        const network = buildNetwork(fixtureState(name), { inputSize: size, foldBatchNorm });
        const engine = await engineFor(network, { simd, convolution });
        const got = await engine.run(0, network.stages.length - 1, input);
        const expected = network.architecture.classes === 0 ? features : logits;
        const largest = Math.max(...expected.map(Math.abs));
        expect(got.length).toBe(expected.length);
        for (const [index, logit] of expected.entries()) {
          expect(Math.abs(got[index]! - logit) / largest, `class ${index}`).toBeLessThan(1e-4);
        }
        await engine.close();
      }
    });
  }
});
