import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { library } from "../built.js";
import { panorama } from "../image/bombs.js";
import { launch, noChromium } from "./chromium.js";
import { type Site, serve } from "./server.js";

declare const resnetEdge: typeof import("../../src/entry/index.js");

describe.skipIf(noChromium)(`images without pixels, and long ones, in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let other: Site;
  let page: Page;
  const picture = panorama();

  beforeAll(async () => {
    site = await serve({ isolated: false, files: { "/panorama.png": picture } });
    other = await serve({ isolated: false });
    browser = await launch();
    // The other origin's picture is refused by the browser, not by the page's policy.
    page = await browser.newPage({ bypassCSP: true });
    await page.goto(site.origin);
    while (!(await page.evaluate(() => "resnetEdge" in globalThis))) await new Promise((next) => setTimeout(next, 20));
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
    other?.close();
  });

  test.each([
    ["in place", false],
    ["in a worker", "auto"],
  ] as const)("%s: each is an ImageDecodeError that says what to do", async (_, worker) => {
    const found = await page.evaluate(
      async ({ worker, foreign }) => {
        const classifier = await resnetEdge.loadClassifier(undefined, { device: "cpu", worker });
        const image = (src: string) => Object.assign(new Image(), { src });
        const loaded = async (src: string) => {
          const it = image(src);
          await it.decode();
          return it;
        };
        const canvas = (width: number, height: number) =>
          Object.assign(document.createElement("canvas"), { width, height });
        const tainted = canvas(20, 20);
        tainted.getContext("2d")!.drawImage(await loaded(foreign), 0, 0);
        const closed = await createImageBitmap(canvas(9, 9));
        closed.close();
        const frame = new VideoFrame(canvas(9, 9), { timestamp: 0 });
        frame.close();
        const detached = new Uint8Array(12);
        structuredClone(detached, { transfer: [detached.buffer] });
        const cases: Record<string, unknown> = {
          "unready image": image("/examples/photos/cat.jpg"),
          "broken image": image("/nowhere.jpg"),
          "foreign image": await loaded(foreign),
          "tainted canvas": tainted,
          "empty canvas": canvas(0, 5),
          "video without data": document.createElement("video"),
          "closed bitmap": closed,
          "closed frame": frame,
          "detached pixels": { data: detached, width: 2, height: 2 },
          nothing: null,
          "a path": "cat.jpg",
        };
        const result: Record<string, string> = {};
        for (const [name, it] of Object.entries(cases)) {
          result[name] = await classifier.classify(it as Blob, { topK: 1 }).then(
            ([best]) => best!.label,
            (error: Error) => `${error.name}: ${error.message}`,
          );
        }
        await classifier.close();
        return result;
      },
      { worker, foreign: `${other.origin}/examples/photos/cat.jpg` },
    );
    const { "unready image": ready, ...refused } = found;
    expect(ready).toBe("cat");
    for (const [name, message] of Object.entries(refused)) {
      expect(message, name).toMatch(/^ImageDecodeError: /);
      expect(message, name).not.toMatch(/\.\./);
    }
    expect(refused["broken image"]).toMatch(/src/);
    expect(refused["foreign image"]).toMatch(/CORS/);
    expect(refused["tainted canvas"]).toMatch(/CORS/);
    expect(refused["empty canvas"]).toMatch(/no pixels/);
    expect(refused["video without data"]).toMatch(/loadeddata/);
    expect(refused["closed bitmap"]).toMatch(/closed/);
    expect(refused["closed frame"]).toMatch(/closed/);
    expect(refused["detached pixels"]).toMatch(/detached/);
  });

  test("a panorama of 70,000 x 100 pixels has Node's answer", async () => {
    const classifier = await library.loadClassifier(undefined, { device: "cpu" });
    const [wanted] = await classifier.classify(picture);
    await classifier.close();
    const got = await page.evaluate(async () => {
      const classifier = await resnetEdge.loadClassifier(undefined, { device: "cpu" });
      const [best] = await classifier.classify(await (await fetch("/panorama.png")).blob());
      await classifier.close();
      return best!;
    });
    expect(got.label).toBe(wanted!.label);
    expect(got.score).toBeCloseTo(wanted!.score, 3);
  });
});
