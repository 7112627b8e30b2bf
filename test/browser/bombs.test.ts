import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bombs } from "../image/bombs.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

declare const resnetEdge: typeof import("../../src/entry/index.js");

describe.skipIf(noChromium)(`bombs in Chromium${noChromium}`, () => {
  const list = bombs();
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    const files = Object.fromEntries([...list.values()].map((bytes, at) => [`/bombs/${at}`, bytes]));
    site = await serve({ isolated: false, files });
    browser = await launch();
    page = await openPage(browser, site);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  // Pages have workers; in place too with npm run test:full.
  test.each([["in a worker", "auto"] as const, ...(process.env.FULL ? [["in place", false] as const] : [])])(
    "%s: answered or refused with a typed error, an abort ends each within 200 ms, and the next picture is answered",
    { timeout: 120_000 },
    async (_, worker) => {
      const { wrong, aborted } = await page.evaluate(
        async ({ names, worker }) => {
          const read = async (address: string) => (await fetch(address)).blob();
          const cat = await read("/examples/photos/cat.jpg");
          const classifier = await resnetEdge.loadClassifier(undefined, { device: "cpu", worker });
          const [first] = await classifier.classify(cat);
          const nameOf = (promise: Promise<unknown>) =>
            promise.then(
              () => "answer",
              (error: Error) => error.name,
            );
          const wrong: string[] = [];
          let aborted = 0;
          for (const [index, name] of names.entries()) {
            const bomb = await read(`/bombs/${index}`);
            const start = performance.now();
            const result = await nameOf(classifier.classify(bomb));
            const ms = performance.now() - start;
            if (!["answer", "ImageDecodeError"].includes(result) || ms > 32_000)
              wrong.push(`${name}: ${result}, ${ms} ms`);
            const controller = new AbortController();
            const started = nameOf(classifier.classify(bomb, { signal: controller.signal }));
            const next = classifier.classify(cat);
            let at = Number.NaN;
            const timer = setTimeout(() => {
              at = performance.now();
              controller.abort();
            }, 10);
            if ((await started) === "AbortError") {
              aborted++;
              const late = performance.now() - at;
              if (late > 200) wrong.push(`${name}: ended ${late} ms after its abort`);
            }
            clearTimeout(timer);
            const [best] = await next;
            if (best!.label !== first!.label) wrong.push(`${name}: the next picture is a ${best!.label}`);
          }
          await classifier.close();
          return { wrong, aborted };
        },
        { names: [...list.keys()], worker },
      );
      expect(wrong).toEqual([]);
      expect(aborted).toBeGreaterThan(0);
    },
  );
});
