import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { connect } from "node:tls";
import type { Browser, BrowserContext, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Configuration, CpuConfiguration, GpuConfiguration, Report } from "../../bench/page/report.js";
import { titleOf } from "../../bench/page/steps.js";
import { FORMAT } from "../../src/bench/saved.js";
import { launch, noChromium } from "../browser/chromium.js";
import { overlaps, sideways } from "../browser/layout.js";
import { sizes } from "../browser/sizes.js";
import { traceTasks } from "../browser/tasks.js";
import { root } from "../built.js";
import { notFull } from "../not-full.js";
import { type Server, serve } from "./serve.js";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** What that source leaves in the page. */
declare const axe: typeof import("axe-core");

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  await page.locator("#start:enabled").waitFor();
  return page;
}

/** Presses the button, waits for the end and takes what the copy button puts onto the clipboard. */
async function measure(page: Page): Promise<Report> {
  await page.click("#start");
  await page.locator("#stop").waitFor();
  await page.locator("#start").waitFor({ timeout: 120_000 });
  expect(await page.locator("#failure").isVisible()).toBe(false);
  await page.click("#copy");
  await page.getByText("Copied.").waitFor();
  return JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
}

/** The page's policy lets no injected script in, so that the debugger brings it. */
async function violations(page: Page): Promise<string[]> {
  const client = await page.context().newCDPSession(page);
  await client.send("Runtime.evaluate", { expression: axeSource });
  await client.detach();
  return page.evaluate(async () => {
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}

function mustHold(configuration: Configuration, runs: number): void {
  const { latency, stages, imagesPerSecond, gflops, loadMs, firstMs, memoryBytes } = configuration;
  const { min, median, p90, samples } = latency;
  expect(samples.length).toBeGreaterThanOrEqual(3);
  expect(samples.length).toBeLessThanOrEqual(runs);
  expect(min).toBeGreaterThan(0);
  expect(min).toBe(Math.min(...samples));
  expect(median).toBeGreaterThanOrEqual(min);
  expect(p90).toBeGreaterThanOrEqual(median);
  expect(imagesPerSecond * median).toBeCloseTo(1000, 6);
  expect(stages.map(({ stage }) => stage)).toEqual(["stem", "layer1", "layer2", "layer3", "head"]);
  const macs = stages.reduce((sum, stage) => sum + stage.macs, 0);
  // What counters of FLOPs say of the CIFAR ResNet-20.
  expect(macs / 1e6).toBeCloseTo(40.6, 0);
  expect(gflops).toBeCloseTo((2 * macs) / median / 1e6, 6);
  for (const value of [loadMs, firstMs, memoryBytes]) expect(value).toBeGreaterThan(0);
}

const sumOf = (stages: readonly { ms: number }[]) => stages.reduce((sum, { ms }) => sum + ms, 0);
/** From here on the browser calls a task long. */
const LONG_MS = 50;
const whole = "?network=resnet20&runs=7";
const small = `${whole}&turns=0&pictures=0`;

describe.skipIf(noChromium)(`bench page in Chromium${noChromium}`, () => {
  let isolated: Server;
  let plain: Server;
  let browser: Browser;

  const session = async (options = {}) => {
    const context = await browser.newContext(options);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    return context;
  };

  beforeAll(async () => {
    const launching = launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
    // One after the other: both build the page into the same folder.
    isolated = await serve();
    plain = await serve("--no-isolation");
    browser = await launching;
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    isolated?.stop();
    plain?.stop();
  });

  test("isolated: every CPU configuration, complete and consistent", async () => {
    const context = await session();
    const page = await open(context, `${isolated.origin}${small}&deviceName=Test%20bench`);
    const report = await measure(page);
    expect(report).toMatchObject({ state: "complete", deviceName: "Test bench", settings: { runs: 7 } });
    expect(report.device).toMatchObject({ crossOriginIsolated: true, threadObstacle: null, relaxedSimd: true });
    expect(report.device.gpu).toMatchObject({ available: true, software: true });
    expect(report.networks.map(({ name, inputSize }) => [name, inputSize])).toEqual([["resnet20", 32]]);
    const { configurations } = report.networks[0]!;
    for (const configuration of configurations) mustHold(configuration, 7);

    const cpu = configurations.filter((it): it is CpuConfiguration => it.device === "cpu");
    const counts = cpu.filter(({ simd }) => simd === "relaxed").map(({ threads }) => threads);
    expect(counts[0]).toBe(1);
    expect(counts.at(-1)).toBe(Math.min(report.device.cores, 16));
    expect(cpu.map(({ simd }) => simd)).toContain("baseline");
    for (const { simd, kernels, latency, stages, roofGflops, shareOfRoof, operations } of cpu) {
      for (const share of [shareOfRoof, ...operations.map((it) => it.share)]) expect(share ?? 0).toBeLessThanOrEqual(1);
      expect(kernels).toMatch(simd === "relaxed" ? /relaxed-simd/ : /simd128/);
      expect(roofGflops).toBeGreaterThan(1);
      // Other tests run on the same cores: twice is far, and still shows a stage that is missing or counted twice.
      expect(sumOf(stages) / latency.median).toBeGreaterThan(0.5);
      expect(sumOf(stages) / latency.median).toBeLessThan(2);
    }
    expect(cpu[0]!.operations.length).toBeGreaterThan(20);
    await context.close();
  }, 180_000);

  // A software GPU compiles its shaders for a quarter of a minute.
  test.skipIf(notFull)(
    `the GPU, complete and consistent${notFull}`,
    async () => {
      const context = await session();
      const page = await open(context, `${isolated.origin}${small}&threads=0&softwareGpu=1`);
      const { configurations } = (await measure(page)).networks[0]!;
      for (const configuration of configurations) mustHold(configuration, 7);
      const gpu = configurations.find((it): it is GpuConfiguration => it.device === "gpu")!;
      expect(gpu).toMatchObject({ precision: "f32", software: true });
      expect(gpu.dispatches).toBeGreaterThan(20);
      expect((sumOf(gpu.stages) + gpu.waitMs + gpu.moveMs) / gpu.latency.median).toBeCloseTo(1, 3);
      // A program on the CPU never wins.
      expect(gpu.schedule.gpuStages).toEqual([]);
      await context.close();
    },
    180_000,
  );

  // By the thread's own time: the bench keeps every core busy, and the page waits for its turn as all do.
  test(`the page's thread stays free: no task over ${LONG_MS} ms of its own`, async () => {
    const context = await session();
    const page = await open(context, `${isolated.origin}${small}`);
    const { tasks } = await traceTasks(browser, page, () => measure(page));
    expect(tasks.length).toBeGreaterThan(200);
    console.log(`${tasks.length} tasks, longest ${Math.max(...tasks).toFixed(1)} ms of the page's thread`);
    expect(Math.max(...tasks)).toBeLessThanOrEqual(LONG_MS);
    // And a long one is recorded, though it may have to wait for its core most of the time.
    const busy = await traceTasks(browser, page, () =>
      page.evaluate(() => {
        const end = performance.now() + 250;
        while (performance.now() < end);
      }),
    );
    expect(Math.max(...busy.tasks)).toBeGreaterThan(LONG_MS);
    await context.close();
  }, 120_000);

  test("without isolation: one thread, and why; a software GPU is not timed unless it is asked for", async () => {
    const context = await session();
    const page = await open(context, `${plain.origin}${small}`);
    const report = await measure(page);
    expect(report.device.crossOriginIsolated).toBe(false);
    const { configurations } = report.networks[0]!;
    expect(configurations.map((it) => (it.device === "cpu" ? [it.simd, it.threads] : it.device))).toEqual([
      ["relaxed", 1],
      ["baseline", 1],
    ]);
    for (const configuration of configurations) mustHold(configuration, 7);
    // The clock is coarse here, and the first sample would be of one tick or none.
    expect(configurations[0]!.latency.callsPerSample).toBeGreaterThan(1);
    const why = Object.fromEntries(report.unavailable.map((it) => [it.what, it.why]));
    expect(why["More than one thread"]).toMatch(/no cross-origin isolation/);
    expect(why.GPU).toMatch(/software adapter/);
    const card = await page.textContent("#card");
    expect(card).toContain("no cross-origin isolation");
    await context.close();
  }, 120_000);

  test("stopped: what was measured stays, and another run works", async () => {
    const context = await session();
    const page = await open(
      context,
      `${isolated.origin}?network=resnet50&network=resnet20&inputSize=96&runs=7&gpu=0&turns=0&pictures=0`,
    );
    await page.click("#start");
    await page.locator("#networks section").first().waitFor({ timeout: 60_000 });
    await page.click("#stop");
    await page.locator("#start").waitFor();
    await page.click("#copy");
    await page.getByText("Copied.").waitFor();
    const stopped: Report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(stopped.state).toBe("stopped");
    expect(stopped.networks[0]!.configurations.length).toBeGreaterThan(0);
    expect(await page.textContent("#card .date")).toContain("stopped early");
    await page.click("summary");
    await page.fill("input[name=runs]", "3");
    await page.uncheck("input[value=resnet50]");
    const report = await measure(page);
    expect(report.state).toBe("complete");
    expect(report.networks.map(({ name }) => name)).toEqual(["resnet20"]);
    await context.close();
  }, 120_000);

  test("from a phone to 4K, light and dark: nothing is off the screen, and axe finds nothing", async () => {
    const screenshots = process.env.SCREENSHOTS;
    if (screenshots) await mkdir(screenshots, { recursive: true });
    const context = await session();
    const page = await open(context, `${isolated.origin}${small}&gpu=0&threads=0`);
    await measure(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of sizes) {
        await page.setViewportSize({ width, height });
        const name = `bench ${width}x${height} ${colorScheme}`;
        if (screenshots) {
          await page.screenshot({ path: join(screenshots, `${name.replaceAll(" ", "-")}.png`), fullPage: true });
        }
        expect(await page.evaluate(sideways), name).toEqual([]);
        expect(await page.evaluate(overlaps), name).toEqual([]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      expect(await violations(page), colorScheme).toEqual([]);
    }
    await context.close();
  }, 120_000);

  test("a kernel that cannot be had is named; the page goes on", async () => {
    const context = await session();
    const page = await open(context, `${isolated.origin}${small}&gpu=0&threads=0`);
    await page.route("**/cpu-baseline.wasm", (route) => route.fulfill({ status: 404, body: "gone" }));
    const report = await measure(page);
    expect(report.networks[0]!.configurations.map((it) => it.device === "cpu" && it.simd)).toEqual(["relaxed"]);
    expect(report.unavailable.map(({ what, why }) => `${what}: ${why}`).join()).toMatch(/baseline SIMD.*404/);
    await context.close();
  }, 120_000);

  test("a worker that dies is reported, and the next run has a new one", async () => {
    const context = await session();
    const page = await open(context, `${isolated.origin}${small}&gpu=0`);
    await page.route("**/cpu-relaxed.wasm", async (route) => {
      // The page's own worker; what ends it from outside looks the same as running out of memory.
      await page.workers()[0]!.evaluate(() => globalThis.close());
      await route.abort();
    });
    await page.click("#start");
    await page.getByText("The measuring worker stopped").waitFor();
    await page.locator("#card .date", { hasText: "broke off" }).waitFor();
    await page.unroute("**/cpu-relaxed.wasm");
    const report = await measure(page);
    expect(report.state).toBe("complete");
    await context.close();
  }, 120_000);

  test("nothing to measure is refused by the form", async () => {
    const context = await session();
    const page = await open(context, `${isolated.origin}?network=none`);
    await page.click("#start");
    expect(await page.locator("#running").isVisible()).toBe(false);
    expect(await page.locator("input:invalid").count()).toBe(1);
    await context.close();
  });

  describe("one run, looked at", () => {
    let page: Page;
    let report: Report;
    /** Of the page as it was before the run, by colour scheme. */
    const before: Record<string, string[]> = {};
    const schemes = ["light", "dark"] as const;

    beforeAll(async () => {
      const context = await session();
      page = await open(
        context,
        `${isolated.origin}${whole}&gpu=0&rounds=2&control=1&sustained=1&sustainedSeconds=2&deviceName=Caf%C3%A9%20%2F%20bar`,
      );
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        before[colorScheme] = await violations(page);
      }
      report = await measure(page);
    });
    afterAll(() => page?.context().close());

    test("the JSON as a file, and where the page may not use the clipboard", async () => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
      expect(download.suggestedFilename()).toMatch(/^resnet-edge-bench-Caf-bar-\d{4}-\d\d-\d\d\.json$/);
      expect(JSON.parse(readFileSync(await download.path(), "utf8"))).toEqual(report);
      await page.evaluate(() => {
        navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
      });
      await page.click("#copy");
      expect(JSON.parse(await page.inputValue("#json"))).toEqual(report);
    });

    test("one configuration twice, pictures end to end, and the curve of a sustained run", async () => {
      const { turns, endToEnd, configurations } = report.networks[0]!;
      // Two rounds crown nobody, and every configuration had its turn in each.
      expect(turns!.configurations.slice(0, -1).map(({ name, ms }) => [name, ms.length])).toEqual(
        configurations.map((it) => [titleOf(it), 2]),
      );
      expect(turns!.verdict).toMatchObject({ winner: null, rounds: 2 });
      expect(turns!.configurations.at(-1)).toMatchObject({ control: true, name: expect.stringMatching(/, again$/) });
      expect(turns!.control).toMatchObject({ winner: null });
      expect(await page.textContent(".turns .verdict")).toContain("as it should be");
      expect(endToEnd!.pictures.length).toBe(4);
      expect(endToEnd!.whole.median).toBeGreaterThan(endToEnd!.decode.median);
      expect(await page.locator(".end-to-end tbody tr").count()).toBe(5);
      expect(report.sustained!.points.length).toBeGreaterThanOrEqual(1);
      expect(report.sustained!.points.at(-1)!.seconds).toBeGreaterThan(1.9);
      const points = await page.getAttribute(".curve", "points");
      expect(points!.split(" ").length).toBe(report.sustained!.points.length + 1);
    });

    test("the card as a picture", async () => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("#picture")]);
      expect(download.suggestedFilename()).toMatch(/^resnet-edge-bench-Caf-bar-\d{4}-\d\d-\d\d\.png$/);
      const { width, height } = await sharp(await download.path()).metadata();
      expect(width).toBe(1200);
      expect(height).toBeGreaterThan(400);
    });

    test("saved results of other devices in one chart; what is none is refused by name", async () => {
      const other = { ...report.summary, device: "<b>A phone</b>" };
      const saved = JSON.stringify({ format: FORMAT, summary: other });
      const file = (name: string, text: string) => ({ name, mimeType: "application/json", buffer: Buffer.from(text) });
      await page.setInputFiles("#files", [file("phone.json", saved), file("odd.json", '{"format":"another"}')]);
      await page.getByText("odd.json is no saved result").waitFor();
      const labels = await page.locator("#compared svg .chart-label").allTextContents();
      expect(labels.sort()).toEqual(["<b>A phone</b>", "Café / bar"]);
      expect(await page.locator("#compared tbody tr").count()).toBe(2 * report.networks[0]!.configurations.length);
      await page.click("#clear");
      expect(await page.locator("#compared svg").count()).toBe(0);
      // Left in the page for axe and the narrow screens.
      await page.setInputFiles("#files", [file("phone.json", saved)]);
      await page.locator("#compared svg").waitFor();
    });

    test("every chart has a table with its figures", async () => {
      const { configurations } = report.networks[0]!;
      const charts = await page
        .locator("#card svg[role=img], #networks svg[role=img]")
        .evaluateAll((all) => all.map((it) => it.ariaLabel ?? it.getAttribute("aria-label")));
      expect(charts.length).toBe(report.device.cores > 1 ? 3 : 2);
      for (const label of charts) expect(label!.length).toBeGreaterThan(20);
      const rows = await page.locator(".configurations tbody tr").allTextContents();
      expect(rows.length).toBe(configurations.length);
      for (const { latency } of configurations) expect(rows.join()).toContain(latency.median.toPrecision(3));
    });

    test.each(schemes)("axe-core finds nothing: %s, desktop and phone, before and after a run", async (colorScheme) => {
      expect(before[colorScheme]).toEqual([]);
      await page.emulateMedia({ colorScheme });
      const caption = page.locator("caption", { hasText: "operations" });
      if (!(await caption.isVisible())) await page.click(".network summary");
      await caption.waitFor();
      for (const viewport of [
        { width: 1280, height: 900 },
        { width: 360, height: 740 },
        { width: 320, height: 568 },
      ]) {
        await page.setViewportSize(viewport);
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
      }
    });
  });

  test("the policy stopped nothing, and would have said so", async () => {
    expect(isolated.complaints).toEqual([]);
    expect(plain.complaints).toEqual([]);
    const context = await session();
    const page = await open(context, isolated.origin);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.head.append(script);
    });
    await expect.poll(() => isolated.complaints.join()).toContain("script-src");
    expect(await page.evaluate(() => "ran" in globalThis)).toBe(false);
    await context.close();
  });
});

describe.skipIf(noChromium)(`bench page over https${noChromium}`, () => {
  test("the certificate made for the run is sound, names its hosts, and gives a secure context", async () => {
    const server = await serve("--https");
    const socket = connect({ port: Number(new URL(server.origin).port), host: "localhost", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkHost("localhost")).toBe("localhost");
    expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(certificate.checkHost("elsewhere")).toBeUndefined();
    expect(Date.parse(certificate.validTo) - Date.now()).toBeGreaterThan(86_400_000);
    const browser = await launch();
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await open(context, server.origin);
    expect(await page.evaluate(() => [isSecureContext, crossOriginIsolated])).toEqual([true, true]);
    await browser.close();
    server.stop();
  }, 120_000);

  test.each([["--port=nothing"], ["--what"]])("%s: refused with exit code 2", async (word) => {
    const child = spawn(process.execPath, ["scripts/bench-page.mjs", word], { cwd: root });
    expect((await once(child, "exit"))[0]).toBe(2);
  });
});
