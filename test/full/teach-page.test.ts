import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { data, noData } from "../acceptance/data.js";
import { launch, noChromium, openPage } from "../browser/chromium.js";
import { serve } from "../browser/server.js";
import { notFull } from "../not-full.js";

declare const resnetTeach: typeof import("../../src/entry/teach.js");

const skip = noData || noChromium || notFull;
const labels = ["ants", "bees"];
const TAUGHT = 10;

// A figure of the machine that it runs on: nothing else may use it meanwhile.
describe.skipIf(skip !== "")(`twenty photographs in a tab, one thread, ResNet-18${skip}`, () => {
  test("from the photographs to a trained model, and one more", { timeout: 300_000 }, async () => {
    const script = 'import * as teach from "/dist/teach.js"; globalThis.resnetTeach = teach;';
    const files: Record<string, Uint8Array> = {
      "/teach-script.js": new TextEncoder().encode(script),
      "/resnet18.safetensors": readFileSync(new URL("imagenet/resnet18.safetensors", data)),
    };
    for (const label of labels) {
      const folder = new URL(`hymenoptera/train/${label}/`, data);
      const names = readdirSync(folder)
        .sort()
        .slice(0, TAUGHT + 5);
      for (const [index, name] of names.entries())
        files[`/${label}/${index}.jpg`] = readFileSync(new URL(name, folder));
    }
    const site = await serve({ isolated: false, files });
    const browser = await launch();
    try {
      const page = await openPage(browser, site);
      await page.addScriptTag({ url: "/teach-script.js", type: "module" });
      while (!(await page.evaluate(() => "resnetTeach" in globalThis))) await page.waitForTimeout(20);
      const found = await page.evaluate(
        async ({ labels, taught }) => {
          const photo = async (label: string, index: number) => (await fetch(`/${label}/${index}.jpg`)).blob();
          const photos: [string, Blob][] = [];
          for (let index = 0; index < taught; index++) {
            for (const label of labels) photos.push([label, await photo(label, index)]);
          }
          const further: [string, Blob][] = [];
          for (let index = taught; index < taught + 5; index++) {
            for (const label of labels) further.push([label, await photo(label, index)]);
          }
          const teacher = await resnetTeach.createTeacher("/resnet18.safetensors", { device: "cpu", threads: 1 });
          let begun = performance.now();
          for (const [label, image] of photos) await teacher.add(label, image);
          const added = performance.now() - begun;
          const { accuracy } = await teacher.train();
          const all = performance.now() - begun;
          // Each of ten further ones is taken away again.
          const more: number[] = [];
          for (const [label, image] of further) {
            begun = performance.now();
            const id = await teacher.add(label, image);
            await teacher.train();
            more.push(performance.now() - begun);
            teacher.remove(id);
          }
          await teacher.close();
          return { accuracy, added, all, more };
        },
        { labels, taught: TAUGHT },
      );
      const more = found.more.sort((a, b) => a - b);
      const median = (more[4]! + more[5]!) / 2;
      const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
      console.log(
        `${2 * TAUGHT} photographs: ${seconds(found.all)}, ${seconds(found.added)} of it their features; one more: ${seconds(median)}`,
      );
      expect(found.accuracy).toBeGreaterThan(0.7);
      expect(found.all).toBeLessThan(5000);
      expect(median).toBeLessThan(300);
    } finally {
      await browser.close();
      site.close();
    }
  });
});
