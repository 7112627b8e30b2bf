import { readdirSync, readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BrowserImage, Classifier } from "../../src/entry/index.js";
import { library, root } from "../built.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";
import { watchPhotograph } from "./watched.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");

type Scores = { label: string; score: number }[];

const f32Model = "models/cifar10-resnet20.safetensors";

describe.skipIf(noChromium).each([true, false])(`Chromium, isolated: %s${noChromium}`, (isolated) => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let expected: Record<"integers" | "float", Scores>;

  beforeAll(async () => {
    const answer = async (model?: URL) => {
      const classifier = await library.loadClassifier(model);
      const scores = await classifier.classify(new URL("examples/photos/cat.jpg", root));
      await classifier.close();
      return scores;
    };
    expected = { integers: await answer(), float: await answer(new URL(f32Model, root)) };
    site = await serve({ isolated });
    browser = await launch();
    page = await openPage(browser, site);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolated);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test.each([
    ["baseline", "integers", /^wasm simd128 int8 wide, 4x8$/],
    ["relaxed", "integers", /^wasm relaxed-simd int8 (4x8|6x8|6x16|wide), (4x8|6x8|6x16)$/],
    ["baseline", "float", /^wasm simd128 4x8$/],
    ["relaxed", "float", /^wasm relaxed-simd (4x8|6x8|6x16)$/],
  ] as const)("on %s SIMD, in %s: Node's answer", async (simd, numbers, named) => {
    // The bundled model has integers.
    const model = numbers === "integers" ? undefined : `/${f32Model}`;
    const { scores, kernels, plan } = await page.evaluate(
      async ([simd, model]) => {
        const { loadClassifier } = resnetEdge;
        const classifier = await loadClassifier(model, { simd, device: "cpu" });
        const scores = await classifier.classify(await (await fetch("/examples/photos/cat.jpg")).blob());
        const { stats, plan } = classifier;
        await classifier.close();
        return { scores, kernels: stats.kernels, plan: String(plan) };
      },
      [simd, model] as const,
    );
    expect(kernels).toMatch(named);
    expect(plan).toMatch(/stem\s+cpu/);
    const wanted = expected[numbers];
    expect(scores.map(({ label }: Scores[0]) => label)).toEqual(wanted.map(({ label }) => label));
    for (const [rank, { score }] of (scores as Scores).entries()) expect(score).toBeCloseTo(wanted[rank]!.score, 2);
  });

  test("the second picture brings the module of pixels, and answers stay; also where that is missing", async () => {
    const bare = await serve({ isolated, files: { "/dist/pixels.wasm": null } });
    for (const { origin } of [site, bare]) {
      const own = await openPage(browser, { ...site, origin });
      const asked: string[] = [];
      own.on("request", (request) => asked.push(new URL(request.url()).pathname));
      const classify = (count: number) =>
        own.evaluate(async (count) => {
          const classifier = await resnetEdge.loadClassifier("/models/cifar10-resnet20.safetensors");
          const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
          const found: string[] = [];
          for (let at = 0; at < count; at++) found.push(JSON.stringify(await classifier.classify(blob)));
          await classifier.close();
          return found;
        }, count);
      const [first] = await classify(1);
      expect(asked.filter((path) => /pixels/.test(path))).toEqual([]);
      expect(await classify(3)).toEqual([first, first, first]);
      expect(asked.filter((path) => /pixels/.test(path))).toEqual(["/dist/pixels.wasm"]);
      await own.close();
    }
    bare.close();
  });

  test("every kind of image", async () => {
    const labels = await page.evaluate(async () => {
      const { loadClassifier } = resnetEdge;
      const classifier = await loadClassifier();
      const blob = await (await fetch("/examples/photos/horse.png")).blob();
      const bitmap = await createImageBitmap(blob);
      const { width, height } = bitmap;
      const offscreen = new OffscreenCanvas(width, height);
      const context = offscreen.getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      const pixels = context.getImageData(0, 0, width, height);
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      const draw = () => canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
      draw();
      const element = document.createElement("img");
      element.src = "/examples/photos/horse.png";
      await element.decode();
      const video = document.createElement("video");
      video.muted = true;
      video.srcObject = canvas.captureStream(30);
      // A stream has no first frame until something is drawn.
      const drawing = setInterval(draw, 20);
      await video.play();
      clearInterval(drawing);
      const frame = new VideoFrame(bitmap, { timestamp: 0 });
      const rgb = new Uint8Array(width * height * 3);
      for (let at = 0; at < width * height; at++) rgb.set(pixels.data.subarray(4 * at, 4 * at + 3), 3 * at);
      const images: Record<string, BrowserImage> = {
        blob,
        bitmap,
        pixels,
        offscreen,
        canvas,
        element,
        frame,
        rgba: { data: pixels.data, width, height },
        rgb: { data: rgb, width, height },
        video,
      };
      const labels: Record<string, string> = {};
      let bitmaps = 0;
      const { createImageBitmap: make } = globalThis;
      globalThis.createImageBitmap = ((...all: Parameters<typeof make>) => {
        bitmaps++;
        return make(...all);
      }) as typeof make;
      for (const [name, image] of Object.entries(images)) labels[name] = (await classifier.classify(image))[0]!.label;
      globalThis.createImageBitmap = make;
      // What was given is still the caller's.
      labels.again = (await classifier.classify(bitmap))[0]!.label;
      labels.bytes = `${rgb.length} ${frame.codedWidth === width}`;
      // Of a bitmap, two canvases and an element; a video's frame goes to the worker as it is.
      labels.bitmaps = `${bitmaps}`;
      frame.close();
      await classifier.close();
      return labels;
    });
    const { bytes, bitmaps, ...kinds } = labels;
    expect(bitmaps).toBe("4");
    expect(bytes).toMatch(/^[1-9]\d* true$/);
    expect(Object.keys(kinds).length).toBe(11);
    expect(new Set(Object.values(kinds))).toEqual(new Set(["horse"]));
  });

  test("a video is watched: its frames are read in a worker of their own, and answered as classify answers one", async () => {
    await page.evaluate(async () => {
      Object.assign(globalThis, { classifier: await resnetEdge.loadClassifier(undefined, { device: "cpu" }) });
    });
    const { expected, answers, crops } = await page.evaluate(watchPhotograph, "/examples/photos/cat.jpg");
    await page.evaluate(() => (globalThis as unknown as { classifier: Classifier }).classifier.close());
    expect(crops).toBeGreaterThan(3);
    for (const scores of answers) expect(scores).toEqual(expected);
  });

  test("errors are typed here too", async () => {
    const names = await page.evaluate(async () => {
      const { loadClassifier, loadModel } = resnetEdge;
      const name = (promise: Promise<unknown>) =>
        promise.then(
          () => "none",
          (error: Error) => `${error.name}: ${error.message}`,
        );
      const classifier = await loadClassifier();
      const result = {
        page: await name(loadModel("/")),
        missing: await name(loadModel("/nothing.pth")),
        pickle: await name(loadModel("/test/fixtures/weights/hostile-eval.zip.pth")),
        pickleInPlace: await name(loadModel("/test/fixtures/weights/hostile-eval.zip.pth", { worker: false })),
        text: await name(classifier.classify(new Blob(["text"]))),
        nothing: await name(classifier.classify(null as never)),
        number: await name(classifier.classify(7 as never)),
        image: await name(classifier.classify(document.createElement("img"))),
        wasm: await name(loadModel("/models/cifar10-resnet20.safetensors", { wasm: "/" })),
        aborted: await name(classifier.classify(new Blob(["x"]), { signal: AbortSignal.abort() })),
      };
      await classifier.close();
      return { ...result, closed: await name(classifier.classify(new Blob(["x"]))) };
    });
    expect(names.page).toMatch(/^ModelFormatError.*HTML page/);
    expect(names.missing).toMatch(/^SourceError.*404/);
    // Told by the reader of checkpoints, which a page loads when there is one.
    for (const name of ["pickle", "pickleInPlace"] as const)
      expect(names[name]).toMatch(/^ModelFormatError.*__builtin__\.eval/);
    for (const name of ["text", "nothing", "number", "image"] as const)
      expect(names[name]).toMatch(/^ImageDecodeError/);
    expect(names.wasm).toMatch(/HTML page/);
    expect(names.aborted).toMatch(/^AbortError/);
    expect(names.closed).toMatch(/^ClosedError/);
  });

  test("a reader of checkpoints that was not served: a typed error, and the bundled model loads", async () => {
    const dist = new URL("dist/", root);
    const readers = readdirSync(dist).filter(
      (name) => name.startsWith("shared-") && readFileSync(new URL(name, dist), "utf8").includes("BFloat16Storage"),
    );
    const lacking = await serve({
      isolated,
      files: Object.fromEntries(readers.map((name) => [`/dist/${name}`, null])),
    });
    const other = await openPage(browser, lacking);
    const [refusal, label] = await other.evaluate(async () => {
      const { loadClassifier, loadModel } = resnetEdge;
      const refusal = await loadModel("/test/fixtures/weights/plain.zip.pth").catch((error) => `${error}`);
      const classifier = await loadClassifier();
      const [best] = await classifier.classify(await (await fetch("/examples/photos/cat.jpg")).blob());
      await classifier.close();
      return [refusal, best!.label];
    });
    expect(refusal).toMatch(/^SourceError: The reader of PyTorch checkpoints could not be loaded\./);
    expect(label).toBe("cat");
    await other.close();
    lacking.close();
  });

  test("nothing was reported against script-src 'self' 'wasm-unsafe-eval'", () => {
    expect(site.reports).toEqual([]);
  });
});
