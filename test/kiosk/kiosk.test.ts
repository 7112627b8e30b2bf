import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noChromium } from "../browser/chromium.js";
import { library, root } from "../built.js";
import { type Kiosk, openKiosk, text, until } from "./open.js";

const photo = (name: string) => fileURLToPath(new URL(`examples/photos/${name}`, root));
const axe = fileURLToPath(new URL("node_modules/axe-core/axe.min.js", root));

declare const kiosk: { frames: number; failed: number };

describe.skipIf(noChromium)(`the kiosk in Chromium${noChromium}`, () => {
  let it: Kiosk;
  let context: BrowserContext;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    it = await openKiosk("cat.jpg");
    context = await it.browser.newContext({ viewport: { width: 1920, height: 1080 } });
    page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(it.server.origin);
  });

  afterAll(async () => {
    await it?.browser.close();
    it?.server.close();
  });

  test("the camera's picture gets the library's label, in an isolated page", async () => {
    const classifier = await library.loadClassifier();
    const [expected] = await classifier.classify(photo("cat.jpg"));
    await classifier.close();
    expect(
      await until(
        () => text(page, "label"),
        (label) => label === expected!.label,
      ),
    ).toBe("cat");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await until(
      () => text(page, "rate"),
      (rate) => Number(rate) > 1,
    );
    expect(await text(page, "where")).toMatch(/^CPU/);
    await until(
      () => text(page, "announce"),
      (said) => /^cat, \d+ percent$/.test(said),
    );
    expect(await page.locator("#history li").count()).toBeGreaterThan(0);
  });

  test("classifying leaves the page's frames alone: p95 of their intervals at most 20 ms", {
    timeout: 180_000,
  }, async ({ skip }) => {
    const p95 = () =>
      page.evaluate(async () => {
        const intervals: number[] = [];
        let last = await new Promise(requestAnimationFrame);
        while (intervals.length < 300) {
          const now = await new Promise<number>(requestAnimationFrame);
          intervals.push(now - last);
          last = now;
        }
        return intervals.sort((a, b) => a - b)[Math.floor(0.95 * intervals.length)]!;
      });
    // The best of three. One that is late counts only where frames are in time beside a process that is as busy: else others have the cores.
    const found: number[] = [];
    const late: number[] = [];
    const toggle = () => page.evaluate(() => document.getElementById("pause")!.click());
    for (let attempt = 0; attempt < 6 && found.length < 3 && !(Math.min(...found) <= 20); attempt++) {
      const busy = await p95();
      if (busy <= 20) found.push(busy);
      else {
        await toggle();
        const other = spawn(process.execPath, ["-e", "for (;;);"]);
        const beside = await p95();
        other.kill();
        await toggle();
        (beside <= 20 ? found : late).push(busy);
      }
    }
    if (found.length === 0 && !process.env.NO_SKIPS) {
      skip(`no window of six had the cores: p95 ${late.map((ms) => ms.toFixed(1)).join(", ")} ms`);
    }
    console.log(`animation frames while classifying: p95 ${found.map((ms) => ms.toFixed(1)).join(", ")} ms`);
    expect(Math.min(...found)).toBeLessThanOrEqual(20);
  });

  test("pictures from disk, one that is none among them", async () => {
    // Controls are the operator's; the address has this from here on.
    await page.evaluate(() => {
      location.hash = "#operator";
    });
    await page.setInputFiles("#pictures", [photo("horse.png")]);
    await until(
      () => text(page, "label"),
      (label) => label === "horse",
    );
    await page.setInputFiles("#pictures", [
      { name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") },
    ]);
    await until(
      () => text(page, "notice"),
      (notice) => /a\.png is not a picture/.test(notice),
    );
    await page.setInputFiles("#pictures", [{ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("text") }]);
    await until(
      () => text(page, "notice"),
      (notice) => /no picture among/.test(notice),
    );
    await page.click("#camera");
    await until(
      () => text(page, "label"),
      (label) => label === "cat",
    );
  });

  test("a camera that goes comes back by itself", async () => {
    await page.evaluate(() => {
      const [track] = (document.querySelector("video")!.srcObject as MediaStream).getVideoTracks();
      track!.stop();
      // What a browser says when the plug is pulled.
      track!.dispatchEvent(new Event("ended"));
    });
    await until(
      () => text(page, "notice"),
      (notice) => /camera is gone.*Looking for it again/.test(notice),
    );
    const before = await page.evaluate(() => kiosk.frames);
    await until(
      () => page.evaluate(() => kiosk.frames),
      (frames) => frames > before + 10,
    );
    expect(await page.locator("#notice").isVisible()).toBe(false);
  });

  test("a GPU that is not there is said, and the kiosk goes on", async () => {
    await page.selectOption("#device", "gpu");
    await until(
      () => text(page, "notice"),
      (notice) => /GPU/.test(notice),
    );
    // The controls say what runs.
    expect(await page.locator("#device").inputValue()).toBe("auto");
    const before = await page.evaluate(() => kiosk.frames);
    await until(
      () => page.evaluate(() => kiosk.frames),
      (frames) => frames > before + 10,
    );
    await page.selectOption("#device", "cpu");
  });

  test("a model from disk survives a reload; a file that is none is refused", async () => {
    await page.setInputFiles("#file", [{ name: "x.safetensors", mimeType: "", buffer: Buffer.from("<html>") }]);
    await until(
      () => text(page, "notice"),
      (notice) => notice.length > 20,
    );
    expect(await page.locator("#model option").count()).toBe(1);
    await page.setInputFiles("#file", fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root)));
    await until(
      () => page.locator("#model option").count(),
      (count) => count === 2,
    );
    await until(
      () => page.locator("#model").inputValue(),
      (value) => value.length === 64,
    );
    await until(
      () => page.evaluate(() => localStorage.getItem("kiosk-settings") ?? ""),
      (kept) => /[0-9a-f]{64}/.test(kept),
    );
    await page.reload();
    await until(
      () => text(page, "label"),
      (label) => label === "cat",
    );
    expect((await page.locator("#model").inputValue()).length).toBe(64);
  });

  test("a kept model that was damaged is not used", async () => {
    await page.evaluate(async () => {
      const cache = await caches.open("kiosk-models");
      for (const request of await cache.keys()) await cache.put(request, new Response(new Uint8Array(1000)));
    });
    await page.reload();
    await until(
      () => text(page, "notice"),
      (notice) => /is damaged/.test(notice),
    );
    await until(
      () => text(page, "label"),
      (label) => label === "cat",
    );
    expect(await page.locator("#model").inputValue()).toBe("");
  });

  test("a model that fails in use is named, its label goes, and the last good one goes on", async () => {
    const model = await readFile(new URL("models/cifar10-resnet20.safetensors", root));
    const length = 8 + Number(model.readBigUInt64LE());
    const [begin] = JSON.parse(model.toString("utf8", 8, length))["fc.weight"].data_offsets;
    // The first class's weights are the largest float32: sums of them are infinite.
    for (let at = 0; at < 64; at++) model.writeFloatLE(3.4e38, length + begin + 4 * at);
    await page.setInputFiles("#file", [{ name: "<b>bad</b>.safetensors", mimeType: "", buffer: model }]);
    const said = await until(
      () => text(page, "notice"),
      (notice) => /bad.*failed: .*Bundled.*goes on/.test(notice),
    );
    expect(said).toContain("<b>bad</b>");
    expect(await page.locator("#notice b").count()).toBe(0);
    const before = await page.evaluate(() => kiosk.frames);
    await until(
      () => page.evaluate(() => kiosk.frames),
      (frames) => frames > before + 10,
    );
    expect(await text(page, "label")).toBe("cat");
  });

  test.each(["{", "null", '{"device":"toaster","model":"<b>"}'])("settings that are damaged: %s", async (kept) => {
    await page.evaluate((it) => localStorage.setItem("kiosk-settings", it), kept);
    await page.reload();
    await until(
      () => text(page, "label"),
      (label) => label === "cat",
    );
    expect(await page.locator("#device").inputValue()).toBe("auto");
    expect(await text(page, "notice")).toMatch(/settings were damaged/);
    expect(await page.locator("#notice").isVisible()).toBe(true);
  });

  test.each(["light", "dark"] as const)("axe-core finds nothing, %s", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const client = await context.newCDPSession(page);
    // The page's policy lets no injected script in, so that the debugger brings it.
    await client.send("Runtime.evaluate", { expression: await readFile(axe, "utf8") });
    const { result } = await client.send("Runtime.evaluate", {
      expression:
        "axe.run().then((it) => JSON.stringify(it.violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)])))",
      awaitPromise: true,
    });
    expect(JSON.parse(result.value)).toEqual([]);
  });

  test("works with the server gone and the page reloaded, isolated still", async () => {
    expect(errors.filter((error) => !/404|Failed to load resource/.test(error))).toEqual([]);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    it.server.close();
    await page.reload();
    await until(
      () => text(page, "label"),
      (label) => label === "cat",
    );
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await expect(page.evaluate(() => fetch("/nothing"))).rejects.toThrow();
  });
});
