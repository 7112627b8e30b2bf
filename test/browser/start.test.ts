import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resnet18File } from "../worker/resnet18.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");

const softwareGpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** In a worker: the software adapter under the name of a real one, so that "auto" checks and measures it. */
const disguise = `
const { requestAdapter } = GPU.prototype;
GPU.prototype.requestAdapter = async function (options) {
  const adapter = await requestAdapter.call(this, options);
  const info = { vendor: "disguised", architecture: "adapter", device: "", description: "" };
  return Object.defineProperty(adapter, "info", { value: info });
};`;

describe.skipIf(noChromium)(`auto from the first answer on, in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    const text = (code: string) => new TextEncoder().encode(code);
    site = await serve({
      isolated: true,
      files: {
        "/disguise.js": text(disguise),
        "/worker-with-gpu.js": text('import "/disguise.js"; import "/dist/worker.js";'),
        "/resnet18.safetensors": resnet18File(),
      },
    });
    browser = await launch(...softwareGpu);
    page = await openPage(browser, site);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("the first answer takes at most 1.1 times as long as on the CPU alone", async () => {
    const times: Record<"cpu" | "auto", number[]> = { cpu: [], auto: [] };
    const start = (device: "cpu" | "auto", wait = false) =>
      page.evaluate(
        async ({ device, wait }) => {
          // Loading takes as long as at 224 pixels; a software adapter's measurements do not.
          const inputSize = 64;
          const input = new Float32Array(3 * inputSize ** 2).fill(0.5);
          const start = performance.now();
          const options = { device, inputSize, worker: "/worker-with-gpu.js" };
          const model = await resnetEdge.loadModel("/resnet18.safetensors", options);
          await model.run(input);
          const ms = performance.now() - start;
          while (wait && model.plan.summary.history.length === 0) {
            await new Promise((resolve) => setTimeout(resolve, 50));
            await model.run(input);
          }
          const reason = model.plan.stages[0]!.reason;
          await model.close();
          // What the GPU was asked to do is not to be in the next one's way.
          if (device === "auto") await new Promise((resolve) => setTimeout(resolve, 500));
          return { ms, reason };
        },
        { device, wait },
      );
    // The first load chooses kernels, and fills the browser's caches.
    await start("cpu");
    expect((await start("auto", true)).reason).toMatch(/^the (CPU|GPU) is faster/);
    const least = (device: "cpu" | "auto") => Math.min(...times[device]);
    const median = (device: "cpu" | "auto") => times[device].toSorted((a, b) => a - b)[times[device].length >> 1]!;
    // Minima, since these machines are twice as slow for seconds at a time; a slower start would stay slower.
    for (let round = 0; round < 12 && (round < 3 || least("auto") > 1.1 * least("cpu")); round++) {
      for (const device of round % 2 ? (["cpu", "auto"] as const) : (["auto", "cpu"] as const)) {
        times[device].push((await start(device)).ms);
      }
    }
    for (const device of ["cpu", "auto"] as const) {
      console.log(`${device}: first answer after ${least(device).toFixed(0)} ms, median ${median(device).toFixed(0)}`);
    }
    expect(least("auto")).toBeLessThanOrEqual(1.1 * least("cpu"));
  }, 180_000);

  test("a second visit measures nothing; requests under way through the switch are all answered, right, in order", async () => {
    const found = await page.evaluate(async () => {
      const source = "/models/cifar10-resnet20.safetensors";
      const length = 3 * 32 * 32;
      const inputs = Array.from({ length: 7 }, (_, seed) =>
        Float32Array.from({ length }, (_, at) => Math.sin(0.37 * at * (seed + 1))),
      );
      const cpu = await resnetEdge.loadModel(source, { device: "cpu" });
      const expected: Float32Array[] = [];
      for (const input of inputs) expected.push((await cpu.run(input)).logits);
      await cpu.close();
      const open = () => resnetEdge.loadModel(source, { worker: "/worker-with-gpu.js" });

      const first = await open();
      while (first.plan.summary.history.length === 0) await first.run(inputs[0]!);
      const firstRuns = first.plan.summary.calibrationRuns;
      await first.close();

      // What was kept says now that the GPU takes no time: the next visit switches to it, and finds out.
      const database = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open("resnet-edge", 1);
        request.onsuccess = () => resolve(request.result);
      });
      const settled = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => {
          request.onsuccess = () => resolve(request.result);
        });
      const texts = () => database.transaction("texts", "readwrite").objectStore("texts");
      const keys = (await settled(texts().getAllKeys())) as string[];
      const key = keys.find((it) => it.includes("costs") && it.includes("disguised"))!;
      const costs = JSON.parse(await settled(texts().get(key)));
      const none = (values: number[]) => values.map((ms) => ms / 1000);
      const { up, down } = costs.moves.gpu;
      const flattering = {
        stages: { ...costs.stages, gpu: none(costs.stages.gpu) },
        moves: { gpu: { up: none(up), down: none(down), wait: 0 } },
      };
      await settled(texts().put(JSON.stringify(flattering), key));
      database.close();

      const second = await open();
      const devices: string[] = [];
      const order: number[] = [];
      let runsAtSwitch = -1;
      let worst = 0;
      let asked = 0;
      const end = performance.now() + 60_000;
      const caller = async () => {
        // On until the GPU was taken, and left again since it is slower than what was kept.
        while (performance.now() < end && !(devices.includes("gpu") && devices.at(-1) === "cpu")) {
          const index = asked++;
          const { logits } = await second.run(inputs[index % inputs.length]!);
          order.push(index);
          const wanted = expected[index % inputs.length]!;
          const largest = Math.max(...wanted.map(Math.abs));
          worst = Math.max(worst, ...logits.map((logit, at) => Math.abs(logit - wanted[at]!) / largest));
          const { stages, summary } = second.plan;
          const device = stages.some((stage) => stage.device === "gpu") ? "gpu" : "cpu";
          if (device !== devices.at(-1)) devices.push(device);
          if (device === "gpu" && runsAtSwitch < 0) runsAtSwitch = summary.calibrationRuns;
          // The GPU needs some of the cores to be prepared.
          if (device === "cpu") await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
      await Promise.all([caller(), caller(), caller()]);
      const { history } = second.plan.summary;
      await second.close();
      return { firstRuns, devices, order, asked, worst, runsAtSwitch, history };
    });
    console.log(`${found.asked} requests: ${found.devices.join(", ")}; ${found.history.join("; ")}`);
    expect(found.firstRuns).toBeGreaterThan(0);
    expect(found.runsAtSwitch).toBe(0);
    expect(found.devices).toEqual(["cpu", "gpu", "cpu"]);
    expect(found.order).toEqual([...Array(found.asked).keys()]);
    expect(found.worst).toBeLessThan(1e-4);
  }, 120_000);
});
