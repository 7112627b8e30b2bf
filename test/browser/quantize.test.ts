import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../built.js";
import { pictures } from "../check/fixture.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

const { quantize }: typeof import("../../src/entry/quantize-node.js") = await import(
  /* @vite-ignore */ pathToFileURL(new URL("dist/quantize-node.js", root).pathname).href
);

const model = "test/fixtures/check/calibrated.safetensors";

/** As a script of the page has left it. */
declare const resnetQuantize: typeof import("../../src/entry/quantize.js");

describe.skipIf(noChromium).each([false, true])(`quantize in Chromium, isolated: %s${noChromium}`, (isolated) => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let expected: Uint8Array;

  beforeAll(async () => {
    const script = 'import * as library from "/dist/quantize.js"; globalThis.resnetQuantize = library;';
    const files: Record<string, Uint8Array> = {
      "/broken.png": new Uint8Array(99),
      "/script.js": new TextEncoder().encode(script),
    };
    for (const [index, { data, width, height }] of pictures.entries()) {
      files[`/${index}.png`] = await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
    }
    site = await serve({ isolated, files });
    browser = await launch();
    page = await openPage(browser, site);
    await page.addScriptTag({ url: "/script.js", type: "module" });
    while (!(await page.evaluate(() => "resnetQuantize" in globalThis))) await page.waitForTimeout(20);
    const images = pictures.map(({ data, width, height }) => ({ data, width, height }));
    expected = (await quantize(new Uint8Array(readFileSync(new URL(model, root))), images)).file;
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("Node's bytes, under a policy without eval, while the page goes on; one that cannot be decoded is named", async () => {
    const requests: string[] = [];
    page.on("request", (request) => requests.push(new URL(request.url()).pathname));
    const found = await page.evaluate(
      async ({ model, count }) => {
        const { quantize } = resnetQuantize;
        const fetched = async (name: string) => new File([await (await fetch(`/${name}`)).blob()], name);
        const images: (File | ImageData)[] = [];
        for (let index = 0; index < count; index++) images.push(await fetched(`${index}.png`));
        // Of another kind, with the same pixels.
        const context = new OffscreenCanvas(32, 32).getContext("2d")!;
        context.drawImage(await createImageBitmap(images[3]!), 0, 0);
        images[3] = context.getImageData(0, 0, 32, 32);
        let ticks = 0;
        const timer = setInterval(() => ticks++, 5);
        const phases = new Set<string>();
        const { file, report } = await quantize(`/${model}`, images, { onProgress: ({ phase }) => phases.add(phase) });
        clearInterval(timer);
        const other = await quantize(`/${model}`, [images[0]!, await fetched("broken.png"), ...images.slice(1, 5)], {
          evaluate: images.slice(5, 7),
        });
        return { file: [...file], report, ticks, phases: [...phases], passedOver: other.report.passedOver };
      },
      { model, count: pictures.length },
    );
    expect(Uint8Array.from(found.file)).toEqual(expected);
    expect(found.report).toMatchObject({ calibration: 12, evaluated: 12, statistics: { answer: "fits" } });
    expect(found.phases).toContain("compare");
    expect(found.ticks).toBeGreaterThan(10);
    expect(found.passedOver).toMatchObject([{ image: "broken.png", name: "ImageDecodeError" }]);
    expect(site.reports).toEqual([]);
    expect(requests).toContain("/dist/quantize-worker.js");
    expect(requests.filter((it) => it.endsWith(".wasm")).every((it) => /cpu-baseline(-threads)?\.wasm$/.test(it))).toBe(
      true,
    );
  }, 120_000);

  test("an abort ends the worker at once; errors are those of Node", async () => {
    const found = await page.evaluate(async (model) => {
      const { quantize, ResnetEdgeError } = resnetQuantize;
      const image = { data: new Uint8Array(3072).map((_, at) => (97 * at) % 251), width: 32, height: 32 };
      const images = Array(8).fill(image);
      const controller = new AbortController();
      const aborted = quantize(`/${model}`, images, {
        signal: controller.signal,
        onProgress: ({ phase }) => phase === "clip" && controller.abort(),
      });
      const errors = [];
      for (const work of [
        aborted,
        quantize(`/${model}`, []),
        quantize("/nothing.safetensors", images),
        quantize(`/${model}`, images, { worker: "/nothing.js" }),
      ]) {
        const error = await work.catch((error) => error);
        errors.push([error.name, error instanceof ResnetEdgeError]);
      }
      return errors;
    }, model);
    expect(found).toEqual([
      ["AbortError", false],
      ["OptionError", true],
      ["SourceError", true],
      ["WorkerError", true],
    ]);
  }, 60_000);
});
