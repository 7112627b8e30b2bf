import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noChromium } from "../browser/chromium.js";
import { type Kiosk, openKiosk } from "../kiosk/open.js";

const FRAMES = 10_000;
/** Where memory is first read: pools and histories are full by then. */
const SETTLED = 500;

declare const kiosk: { frames: number; failed: number; ms: Float32Array; wasmBytes: number };

describe.skipIf(noChromium)(`kiosk soak${noChromium}`, () => {
  let it: Kiosk;
  beforeAll(async () => {
    it = await openKiosk("cat.jpg");
  });
  afterAll(async () => {
    await it?.browser.close();
    it?.server.close();
  });

  test(`${FRAMES} frames: memory stays, no promise is dropped`, { timeout: 1_200_000 }, async () => {
    const context = await it.browser.newContext({ viewport: { width: 1280, height: 720 } });
    const page = await context.newPage();
    const dropped: string[] = [];
    page.on("pageerror", (error) => dropped.push(String(error)));
    await page.goto(`${it.server.origin}/?pace=free`);
    const client = await context.newCDPSession(page);
    const reach = async (frames: number) => {
      while ((await page.evaluate(() => kiosk.frames)) < frames) await new Promise((done) => setTimeout(done, 50));
    };
    const memory = async () => {
      // Twice: what was only held until it could be finalised goes with the second.
      for (let pass = 0; pass < 2; pass++) {
        await client.send("HeapProfiler.collectGarbage");
        await new Promise((done) => setTimeout(done, 200));
      }
      // The page and its workers: what the browser's own account of an isolated page says.
      const { bytes } = await page.evaluate(() =>
        (
          performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
        ).measureUserAgentSpecificMemory(),
      );
      return { heap: bytes, wasm: await page.evaluate(() => kiosk.wasmBytes) };
    };
    await reach(SETTLED);
    const before = await memory();
    await reach(FRAMES / 2);
    const between = await memory();
    await reach(FRAMES);
    const after = await memory();
    const { ms, failed } = await page.evaluate(() => ({ ms: [...kiosk.ms], failed: kiosk.failed }));
    ms.sort((a, b) => a - b);
    const at = (share: number) => ms[Math.floor(share * ms.length)]!.toFixed(2);
    const mb = (bytes: number) => (bytes / 1e6).toFixed(2);
    console.log(
      `${FRAMES} frames: median ${at(0.5)} ms, p99 ${at(0.99)} ms of the last ${ms.length}; ` +
        `JS heap ${mb(before.heap)} -> ${mb(between.heap)} -> ${mb(after.heap)} MB, wasm ${mb(before.wasm)} -> ${mb(after.wasm)} MB`,
    );
    expect(dropped).toEqual([]);
    expect(failed).toBe(0);
    expect(after.wasm).toBe(before.wasm);
    expect(after.heap).toBeLessThanOrEqual(1.02 * before.heap);
  });
});
