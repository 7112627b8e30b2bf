import { afterAll, describe, expect, test } from "vitest";
import { createGpuEngine, type GpuEngine } from "../../src/gpu/index.js";
import { hardwareTiling, softwareTiling } from "../../src/gpu/tiles.js";
import { buildNetwork } from "../../src/model/index.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: GPU numerics, ${skip}`);

const tilings = { hardware: hardwareTiling, software: softwareTiling };
/** The software tiling's large kernels take a software adapter seconds to compile: two networks have every kernel. */
const cases = networkFixtures.flatMap((fixture) => [
  { ...fixture, tiling: "hardware" as const, foldBatchNorm: true },
  ...(fixture.name === "basic" || fixture.name === "cifar-zero-pad"
    ? [
        { ...fixture, tiling: "software" as const, foldBatchNorm: true },
        { ...fixture, tiling: "hardware" as const, foldBatchNorm: false },
      ]
    : []),
]);

describe.skipIf(!gpu)("whole networks against PyTorch", () => {
  const open: GpuEngine[] = [];
  // A device that is still alive keeps a core busy.
  afterAll(async () => {
    for (const engine of open) await engine.close();
  });

  test.each(cases)("$name, $tiling tiling, BatchNorm folded: $foldBatchNorm", async ({ name, size, input, ...it }) => {
    const network = buildNetwork(fixtureState(name), { inputSize: size, foldBatchNorm: it.foldBatchNorm });
    const engine = await createGpuEngine(network, { gpu: gpu!, tiling: tilings[it.tiling] });
    open.push(engine);
    const got = await engine.run(0, network.stages.length - 1, input);
    const again = await engine.run(0, network.stages.length - 1, input);
    await engine.close();
    expect(again).toEqual(got);
    const expected = network.architecture.classes === 0 ? it.features : it.logits;
    const largest = Math.max(...expected.map(Math.abs));
    expect(got.length).toBe(expected.length);
    for (const [index, logit] of expected.entries()) {
      expect(Math.abs(got[index]! - logit) / largest, `class ${index}`).toBeLessThan(1e-4);
    }
  });

  test("100 runs give the same bits", async () => {
    const { name, size, input } = networkFixtures.find((it) => it.name === "folded")!;
    const network = buildNetwork(fixtureState(name), { inputSize: size });
    const engine = await createGpuEngine(network, { gpu: gpu! });
    open.push(engine);
    const first = await engine.run(0, network.stages.length - 1, input);
    for (let run = 0; run < 99; run++) expect(await engine.run(0, network.stages.length - 1, input)).toEqual(first);
    await engine.close();
  });
});
