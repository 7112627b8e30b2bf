import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { library, root } from "../built.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");

const softwareGpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** In f32: both devices give the same scores then. */
const model = "/models/cifar10-resnet20.safetensors";
/** A narrow network: a software adapter takes ten seconds to compile a wide one. */
const narrow = "/test/fixtures/networks/folded.safetensors";

describe.skipIf(noChromium)(`WebGPU on a software adapter in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let expected: { label: string; score: number }[];

  beforeAll(async () => {
    const classifier = await library.loadClassifier(new URL(`.${narrow}`, root), { device: "cpu", inputSize: 32 });
    expected = await classifier.classify(new URL("examples/photos/cat.jpg", root));
    await classifier.close();
    site = await serve({ isolated: true });
    browser = await launch(...softwareGpu);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("device gpu: in a worker, every stage, the CPU's answer", async () => {
    const page = await openPage(browser, site);
    const { scores, plan, stats } = await page.evaluate(async (narrow) => {
      const classifier = await resnetEdge.loadClassifier(narrow, { device: "gpu", inputSize: 32 });
      const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
      const scores = await classifier.classify(blob);
      const { plan, stats } = classifier;
      await classifier.close();
      return { scores, plan: { stages: plan.stages, text: String(plan) }, stats };
    }, narrow);
    expect(new Set(plan.stages.map(({ device }) => device))).toEqual(new Set(["gpu"]));
    expect(plan.text).toMatch(/the GPU was asked for/);
    expect(stats.gpuBytes).toBeGreaterThan(5e4);
    for (const [rank, { label, score }] of scores.entries()) {
      expect(label).toBe(expected[rank]!.label);
      expect(score).toBeCloseTo(expected[rank]!.score, 2);
    }
    await page.close();
  });

  test("auto: a software adapter is not chosen, and the plan says why", async () => {
    const page = await openPage(browser, site);
    const { plan, label } = await page.evaluate(async (model) => {
      const classifier = await resnetEdge.loadClassifier(model);
      const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
      let [best] = await classifier.classify(blob);
      const before = Date.now();
      while (!/software/.test(String(classifier.plan)) && Date.now() - before < 20_000) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        [best] = await classifier.classify(blob);
      }
      await classifier.close();
      return { plan: String(classifier.plan), label: best!.label };
    }, model);
    expect(label).toBe("cat");
    expect(plan).toMatch(/is a software adapter: the CPU's own kernels are faster/);
    expect(plan).toMatch(/stem\s+cpu/);
    await page.close();
  });

  test("the caller's device: used, lost in the middle of ten requests, and not destroyed by us", async () => {
    const page = await openPage(browser, site);
    const result = await page.evaluate(async (narrow) => {
      const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
      const cpu = await resnetEdge.loadClassifier(narrow, { device: "cpu", inputSize: 32 });
      const [expected] = await cpu.classify(blob);
      await cpu.close();
      const adapter = await navigator.gpu.requestAdapter();
      const gpuDevice = await adapter!.requestDevice();
      const classifier = await resnetEdge.loadClassifier(narrow, { device: "gpu", gpuDevice, inputSize: 32 });
      const before = String(classifier.plan);
      const order: number[] = [];
      const calls = Array.from({ length: 10 }, async (_, index) => {
        const [best] = await classifier.classify(blob);
        order.push(index);
        if (index === 2) gpuDevice.destroy();
        return best!;
      });
      const best = await Promise.all(calls);
      const after = String(classifier.plan);
      await classifier.close();
      const other = await adapter!.requestDevice().catch(() => null);
      return { expected: expected!, before, after, best, order, other: other !== null };
    }, narrow);
    expect(result.before).toMatch(/stem\s+gpu/);
    for (const { index, score } of result.best) {
      expect(index).toBe(result.expected.index);
      expect(score).toBeCloseTo(result.expected.score, 3);
    }
    expect(result.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(result.after).toMatch(/stem\s+cpu/);
    expect(result.after).toMatch(/the GPU failed/);
    await page.close();
  });

  test("navigator.gpu absent, without an adapter, or throwing: the CPU, no error, a reason", async () => {
    const page = await openPage(browser, site);
    for (const [kind, reason] of [
      ["absent", /no WebGPU/],
      ["null", /no adapter/],
      ["throws", /WebGPU failed: boom/],
    ] as const) {
      const { label, plan, insisting } = await page.evaluate(
        async ([kind, reason, model]) => {
          const gpu =
            kind === "absent"
              ? undefined
              : {
                  requestAdapter: async () => {
                    if (kind === "throws") throw new Error("boom");
                    return null;
                  },
                };
          Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
          const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
          // In place: a worker has a navigator of its own.
          const classifier = await resnetEdge.loadClassifier(model, { worker: false });
          let [best] = await classifier.classify(blob);
          const end = Date.now() + 20_000;
          while (!RegExp(reason).test(String(classifier.plan)) && Date.now() < end) {
            await new Promise((resolve) => setTimeout(resolve, 10));
            [best] = await classifier.classify(blob);
          }
          await classifier.close();
          const insisting = await resnetEdge.loadClassifier(model, { worker: false, device: "gpu" }).then(
            () => "loaded",
            (error: Error) => `${error.name}: ${error.message}`,
          );
          return { label: best!.label, plan: String(classifier.plan), insisting };
        },
        [kind, reason.source, model] as const,
      );
      expect(label).toBe("cat");
      expect(plan).toMatch(reason);
      expect(insisting).toMatch(/^DeviceUnavailableError/);
      expect(insisting).toMatch(reason);
    }
    await page.close();
  });
});
