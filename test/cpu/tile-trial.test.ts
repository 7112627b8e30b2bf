import { describe, expect, test } from "vitest";
import { TileTrial } from "../../src/cpu/tune/tile-trial.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor, modules } from "./engine.js";

/** What a trial finds where each tile's runs take such times. */
function found(times: Readonly<Record<string, (run: number) => number>>) {
  const trial = new TileTrial(["4x8", "6x8", "6x16"]);
  for (let run = 0; run < 1000; run++) {
    const best = trial.record(times[trial.tile]!(run));
    if (best) return { best, runs: run + 1 };
  }
  throw new Error("no tile was found");
}

describe("trial of tiles", () => {
  test("the fastest, whatever its first runs took", () => {
    const slowAtFirst = (run: number) => (run < 12 ? 9 : 0.4);
    expect(found({ "4x8": () => 0.5, "6x8": () => 0.49, "6x16": slowAtFirst }).best).toBe("6x16");
    expect(found({ "4x8": () => 0.5, "6x8": () => 0.7, "6x16": () => 0.6 }).best).toBe("4x8");
  });

  test("a run that was held up does not decide", () => {
    const heldUp = (run: number) => (run % 21 === 1 ? 30 : 0.45);
    expect(found({ "4x8": () => 0.5, "6x8": heldUp, "6x16": () => 0.5 }).best).toBe("6x8");
  });

  test("a difference that noise could make does not either", () => {
    expect(found({ "4x8": () => 0.5, "6x8": () => 0.49, "6x16": () => 0.488 }).best).toBe("4x8");
    expect(found({ "4x8": () => 0.5, "6x8": () => 0.48, "6x16": () => 0.49 }).best).toBe("6x8");
  });

  test("where a clock sees no difference the first stays", () => {
    expect(found({ "4x8": () => 0, "6x8": () => 0, "6x16": () => 0 }).best).toBe("4x8");
  });

  test.runIf(modules.includes("relaxed"))(
    "the first runs of a small network give one answer, bit for bit",
    async () => {
      const network = pseudoRandomNetwork("resnet20");
      const engine = await engineFor(network, { simd: "relaxed", threads: 1 });
      const input = Float32Array.from({ length: 3 * 32 * 32 }, (_, index) => Math.sin(index));
      const last = network.stages.length - 1;
      const first = (await engine.run(0, last, input)).slice();
      const { runs } = found({ "4x8": () => 1, "6x8": () => 1, "6x16": () => 1 });
      for (let run = 1; run < runs + 3; run++) expect(await engine.run(0, last, input)).toEqual(first);
      expect(engine.stats.kernels).toMatch(/^wasm relaxed-simd (4x8|6x8|6x16)$/);
      expect(engine.stats.measurements).toBe(0);
      await engine.close();
      const named = await engineFor(network, { simd: "relaxed", threads: 1, tile: "6x8" });
      expect(await named.run(0, last, input)).toEqual(first);
      expect(named.stats.kernels).toBe("wasm relaxed-simd 6x8");
      await named.close();
    },
  );
});
