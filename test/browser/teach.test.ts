import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

/** As a script of the page has left them. */
declare const resnetTeach: typeof import("../../src/entry/teach.js");
declare const resnetEdge: typeof import("../../src/entry/index.js");
declare const picture: (colour: number[], turn: number) => ImageData;

/** `picture`: stripes of a colour that move with `turn`, on a changing ground. */
const SCRIPT = `
import * as teach from "/dist/teach.js";
import * as edge from "/dist/index.js";
globalThis.resnetEdge = edge;
globalThis.picture = (colour, turn) => {
  const image = new ImageData(40, 36);
  for (let pixel = 0; pixel < 40 * 36; pixel++) {
    const lit = Math.floor(((pixel % 40) + turn) / 3) % 2;
    image.data.set([...colour.map((it) => it * lit + ((pixel + 7 * turn) % 20)), 255], 4 * pixel);
  }
  return image;
};
globalThis.resnetTeach = teach;
`;

describe.skipIf(noChromium)(`teach in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    site = await serve({ isolated: false, files: { "/teach-script.js": new TextEncoder().encode(SCRIPT) } });
    browser = await launch();
    page = await openPage(browser, site);
    await page.addScriptTag({ url: "/teach-script.js", type: "module" });
    while (!(await page.evaluate(() => "resnetTeach" in globalThis))) await page.waitForTimeout(20);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("learns in a page, from a worker; what is exported is loaded there, explained and drawn", async () => {
    const found = await page.evaluate(async () => {
      const { createGallery, createTeacher, drawHeatMap, upsample } = resnetTeach;
      const model = "/dist/cifar110-resnet20x2.int8.safetensors";
      const teacher = await createTeacher(model);
      const gallery = await createGallery(64 * 2);
      for (let turn = 0; turn < 5; turn++) {
        await teacher.add("red", picture([220, 20, 10], turn));
        await teacher.add("blue", picture([10, 30, 230], turn));
      }
      const { accuracy } = await teacher.train();
      const told = await teacher.classify(picture([220, 20, 10], 9));
      const file = await teacher.export();
      await teacher.close();
      const classifier = await resnetEdge.loadClassifier(file);
      const predictions = await classifier.classify(picture([220, 20, 10], 9));
      for (let turn = 0; turn < 5; turn++) {
        gallery.add(await classifier.embed(picture([220, 20, 10], turn)));
        gallery.add(await classifier.embed(picture([10, 30, 230], turn)));
      }
      const near = gallery.nearest(await classifier.embed(picture([10, 30, 230], 3)), 1);
      const map = await classifier.explain(picture([10, 30, 230], 3));
      await classifier.close();
      const canvas = new OffscreenCanvas(40, 36);
      const context = canvas.getContext("2d")!;
      context.fillStyle = "gray";
      context.fillRect(0, 0, 40, 36);
      drawHeatMap(canvas, map);
      const colours = new Set(new Uint32Array(context.getImageData(0, 0, 40, 36).data.buffer)).size;
      return { accuracy, told, predictions, near, map, colours, values: upsample(map, canvas).length };
    });
    expect(found.accuracy).toBe(1);
    expect(found.predictions.map(({ index }) => index)).toEqual(found.told.predictions.map(({ index }) => index));
    expect(found.predictions.find(({ index }) => index >= 0)!.label).toBe("red");
    expect(found.near[0]).toMatchObject({ index: 7 });
    expect(found.near[0]!.similarity).toBeCloseTo(1, 6);
    expect(found.map).toMatchObject({ method: "cam", label: "blue", height: 8, width: 8 });
    expect(found.values).toBe(40 * 36);
    // Shades of the map, and not the gray alone.
    expect(found.colours).toBeGreaterThan(10);
  }, 120_000);

  test("a state is kept in IndexedDB, and continued after the page was loaded again", async () => {
    const open = () =>
      page.evaluate(async () => {
        const { createTeacher } = resnetTeach;
        const request = indexedDB.open("taught", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("states");
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const done = <T>(asked: IDBRequest<T>) =>
          new Promise<T>((resolve, reject) => {
            asked.onsuccess = () => resolve(asked.result);
            asked.onerror = () => reject(asked.error);
          });
        const store = () => database.transaction("states", "readwrite").objectStore("states");
        const model = "/dist/cifar110-resnet20x2.int8.safetensors";
        const kept = (await done(store().get("mine"))) as Uint8Array<ArrayBuffer> | undefined;
        // Absent the first time: a teacher without examples.
        const teacher = await createTeacher(model, kept ? { state: kept } : {});
        const found = teacher.examples.length;
        for (let turn = found / 2; turn < found / 2 + 3; turn++) {
          await teacher.add("red", picture([220, 20, 10], turn));
          await teacher.add("blue", picture([10, 30, 230], turn));
        }
        await done(store().put(teacher.save(), "mine"));
        const { accuracy, examples } = await teacher.train();
        await teacher.close();
        let refused = "";
        if (kept) {
          const damaged = kept.slice(0, kept.length / 2);
          refused = await createTeacher(model, { state: damaged }).then(
            () => "read",
            (error: Error) => error.name,
          );
        }
        database.close();
        return { found, accuracy, examples, refused };
      });
    expect(await open()).toEqual({ found: 0, accuracy: 1, examples: [3, 3], refused: "" });
    await page.reload();
    await page.addScriptTag({ url: "/teach-script.js", type: "module" });
    while (!(await page.evaluate(() => "resnetTeach" in globalThis))) await page.waitForTimeout(20);
    expect(await open()).toEqual({ found: 6, accuracy: 1, examples: [6, 6], refused: "ModelFormatError" });
  }, 120_000);
});
