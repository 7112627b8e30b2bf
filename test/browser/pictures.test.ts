import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { comparisonPage, complaints, fixtures, readReport, shared } from "../image/pictures.js";
import { launch, noChromium } from "./chromium.js";
import { type Site, serve } from "./server.js";

describe.skipIf(noChromium)(`pictures in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;

  beforeAll(async () => {
    site = await serve({ isolated: false, files: await comparisonPage() });
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("have PIL's pixels, as Node's, but where docs/pictures.md lists a difference", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.origin}/pictures.html`);
    while (!readReport(site.reports)) await new Promise((resolve) => setTimeout(resolve, 50));
    const results = readReport(site.reports)!;
    expect(results.size).toBe(fixtures.length + shared.length);
    if (process.env.SHOW) console.log(JSON.stringify([...results].filter(([, result]) => result !== 0)));
    // Of JPEGs of three components the planes were read.
    const planar = [...results.keys()].filter((name) => /\.jpe?g/i.test(name) && !/gray|cmyk|ycck/.test(name));
    const { copied, prepared } = JSON.parse(site.reports.find((it) => it.startsWith('{"pictures"'))!);
    expect([copied, prepared]).toEqual([planar.length, planar.length]);
    expect(complaints("Chromium", results)).toEqual([]);
  });
});
