import { afterAll, describe, expect, test } from "vitest";
import { createGpuEngine, type GpuEngine } from "../../src/gpu/index.js";
import { hardwareTiling, softwareTiling } from "../../src/gpu/tiles.js";
import { buildNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: GPU numerics, ${skip}`);
const halves = (await gpu?.requestAdapter())?.features.has("shader-f16") ?? false;
if (gpu && !halves) console.log("skipped: GPU numerics in f16, this adapter lacks shader-f16");

const tilings = { hardware: hardwareTiling, software: softwareTiling };
/** The software tiling's large kernels take a software adapter seconds to compile: two networks have every kernel, with FULL=1. */
const everyKernel = ["basic", "cifar-zero-pad"];
/** And these the same kernels as others, in seconds: with FULL=1, or on a GPU. */
const alike = process.env.FULL || process.env.RESNET_EDGE_GPU ? [] : ["bottleneck-stride-1x1", "wide"];
const cases = networkFixtures.flatMap((fixture) => [
  ...(alike.includes(fixture.name) ? [] : [{ ...fixture, tiling: "hardware" as const, foldBatchNorm: true }]),
  ...(everyKernel.includes(fixture.name) ? [{ ...fixture, tiling: "hardware" as const, foldBatchNorm: false }] : []),
  ...((process.env.FULL ? everyKernel : ["folded"]).includes(fixture.name)
    ? [{ ...fixture, tiling: "software" as const, foldBatchNorm: true }]
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

  test.skipIf(!halves).each(networkFixtures)("$name in f16: sums in f32, within 2 percent", async (fixture) => {
    const network = buildNetwork(fixtureState(fixture.name), { inputSize: fixture.size });
    const engine = await createGpuEngine(network, { gpu: gpu!, precision: "f16" });
    open.push(engine);
    const got = await engine.run(0, network.stages.length - 1, fixture.input);
    const expected = network.architecture.classes === 0 ? fixture.features : fixture.logits;
    const largest = Math.max(...expected.map(Math.abs));
    expect(got.length).toBe(expected.length);
    for (const [at, logit] of expected.entries()) expect(Math.abs(got[at]! - logit) / largest).toBeLessThan(2e-2);
  });

  const runs = process.env.FULL ? 100 : 8;
  test.each(["hardware", "software"] as const)(`${runs} runs give the same bits, %s tiling`, async (tiling) => {
    // Hardware's adds split sums too, where channels are many.
    const network =
      tiling === "hardware"
        ? pseudoRandomNetwork("resnet20", { inputSize: 16 })
        : buildNetwork(fixtureState("folded"), { inputSize: 32 });
    const engine = await createGpuEngine(network, { gpu: gpu!, tiling: tilings[tiling] });
    open.push(engine);
    const { channels, height, width } = network.values[network.input]!;
    const input = Float32Array.from({ length: channels * height * width }, (_, at) => Math.sin(0.37 * at));
    const ops = network.stages.flatMap((stage) => stage.ops);
    if (tiling === "hardware") expect(engine.dispatches(0, network.stages.length - 1)).toBeGreaterThan(ops.length + 1);
    const first = await engine.run(0, network.stages.length - 1, input);
    for (let run = 0; run < runs; run++) expect(await engine.run(0, network.stages.length - 1, input)).toEqual(first);
    await engine.close();
  });
});
