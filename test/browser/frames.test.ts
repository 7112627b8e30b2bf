import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Prediction, Preprocess } from "../../src/options.js";
import { root } from "../built.js";
import { launch, noChromium, openPage } from "./chromium.js";
import { type Site, serve } from "./server.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");
/** Left by the module below. */
declare const framesOnGpu: (frame: VideoFrame, spec: Preprocess) => Promise<Float32Array>;
declare const framesOnCpu: (frame: VideoFrame, spec: Preprocess) => Promise<Float32Array>;

const inside = `
import { Frames } from "./src/gpu/frames.ts";
import { decodeInBrowser } from "./src/image/decode-browser.ts";
import * as own from "./src/image/own.ts";
import { preprocess } from "./src/image/index.ts";
const device = await (await navigator.gpu.requestAdapter()).requestDevice();
device.onuncapturederror = ({ error }) => console.error(error.message);
globalThis.framesOnGpu = async (frame, spec) => {
  const [height, width] = [spec.crop].flat().concat(spec.crop);
  const size = 12 * height * width;
  const [image, staging] = [0x84, 0x9].map((usage) => device.createBuffer({ size, usage }));
  const frames = await Frames.create(device, spec);
  const encoder = device.createCommandEncoder();
  frames.write(encoder, frame, image);
  encoder.copyBufferToBuffer(image, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const values = new Float32Array(staging.getMappedRange().slice(0));
  frames.close();
  image.destroy();
  staging.destroy();
  return values;
};
globalThis.framesOnCpu = async (frame, spec) => preprocess(await decodeInBrowser(frame, null, async () => own), spec);
`;

/** Video frames need shared images, which SwiftShader has where Chromium's own compositor runs on its Vulkan too. */
const softwareGpu = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-unsafe-swiftshader",
  "--use-angle=swiftshader",
  "--use-vulkan=swiftshader",
  "--enable-features=Vulkan",
];

const normal = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const fixture = (name: string) => JSON.parse(readFileSync(new URL(`test/fixtures/images/${name}`, root), "utf8"));
const { resize: cases } = fixture("expected.json");
const crops = fixture("crops.json");

/** A narrow network: a software adapter takes ten seconds to compile a wide one. */
const small = "/test/fixtures/networks/folded.safetensors";

describe.skipIf(noChromium)(`video frames on a software GPU in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    const stdin = { contents: inside, resolveDir: fileURLToPath(root), loader: "js" as const };
    const { outputFiles } = await build({ stdin, bundle: true, format: "esm", target: "es2022", write: false });
    site = await serve({ isolated: true, files: { "/frames.js": outputFiles[0]!.contents } });
    browser = await launch(...softwareGpu);
    page = await openPage(browser, site);
    await page.addScriptTag({ url: "/frames.js", type: "module" });
    while (!(await page.evaluate(() => "framesOnGpu" in globalThis))) await new Promise((next) => setTimeout(next, 20));
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  /** A frame of `source` (RGB) through the shaders, against what PIL makes of it: both texts are base64. */
  async function compare(spec: Preprocess, source: string, width: number, height: number, result: string) {
    const values = await page.evaluate(
      async ({ source, width, height, spec }) => {
        const rgb = Uint8Array.from(atob(source), (letter) => letter.charCodeAt(0));
        const rgba = new Uint8Array(4 * width * height).fill(255);
        for (let at = 0; at < width * height; at++) rgba.set(rgb.subarray(3 * at, 3 * at + 3), 4 * at);
        const frame = new VideoFrame(rgba, { format: "RGBX", codedWidth: width, codedHeight: height, timestamp: 0 });
        const values = await framesOnGpu(frame, spec);
        frame.close();
        return [...values];
      },
      { source, width, height, spec },
    );
    const expected = Buffer.from(result, "base64");
    expect(values).toHaveLength(expected.length);
    for (const [at, byte] of expected.entries()) {
      const channel = at % 3;
      const value = values[(channel * expected.length) / 3 + Math.floor(at / 3)]!;
      const got = (value * normal.std[channel]! + normal.mean[channel]!) * 255;
      expect(got, `${width} x ${height}, ${spec.mode}`).toBeCloseTo(byte, 3);
    }
  }

  test.each(["bilinear", "bicubic", "nearest"] as const)(
    "%s: to the bit as torchvision on PIL",
    async (interpolation) => {
      for (const { width, height, resize, crop, source, results } of cases)
        await compare({ resize, crop, interpolation, ...normal }, source, width, height, results[interpolation]);
    },
  );

  test("two sides, stretched, covering and bordered: to the bit as timm on PIL", async () => {
    for (const { width, height, source, result, ...spec } of crops)
      await compare({ ...spec, std: normal.std }, source, width, height, result);
  });

  test("YUV frames: what the CPU makes of the browser's own conversion, within 1 of 255; 5 where chroma is spread otherwise", async () => {
    const worst = await page.evaluate(async (normal) => {
      const [width, height] = [322, 242];
      const result: Record<string, number> = {};
      for (const [format, matrix, fullRange] of [
        ["I420", "bt709", false],
        ["I420", "smpte170m", false],
        ["NV12", "bt709", true],
        ["I444", "bt709", false],
      ] as const) {
        // Hills, as a picture has: at an edge the two conversions spread the chroma of fewer pixels differently.
        const hills = (x: number, y: number, at: number) =>
          128 + 80 * Math.sin((x + 2 * y) / 60 + at) * Math.cos(y / 50);
        const plane = (across: number, down: number, step: number, scale: number, shift: number) =>
          Array.from({ length: across * down * step }, (_, at) => {
            const [pixel, part] = [Math.floor(at / step), at % step];
            return hills((pixel % across) * scale, Math.floor(pixel / across) * scale, shift + part);
          });
        const [w, h] = [width / 2, height / 2];
        const chroma = {
          I420: () => [...plane(w, h, 1, 2, 1), ...plane(w, h, 1, 2, 2)],
          NV12: () => plane(w, h, 2, 2, 1),
          I444: () => [...plane(width, height, 1, 1, 1), ...plane(width, height, 1, 1, 2)],
        };
        const yuv = Uint8Array.from([...plane(width, height, 1, 1, 0), ...chroma[format]()]);
        const colorSpace = { matrix, primaries: "bt709", transfer: "bt709", fullRange } as const;
        const frame = new VideoFrame(yuv, { format, codedWidth: width, codedHeight: height, timestamp: 0, colorSpace });
        for (const crop of [32, 224]) {
          const spec = { resize: crop + 8, crop, interpolation: "bilinear", ...normal } as const;
          const [gpu, cpu] = [await framesOnGpu(frame, spec), await framesOnCpu(frame, spec)];
          const plane = crop * crop;
          const differences = gpu.map(
            (value, at) => Math.abs(value - cpu[at]!) * 255 * normal.std[Math.floor(at / plane)]!,
          );
          result[`${format} ${matrix} ${crop}`] = differences.reduce((most, it) => Math.max(most, it));
        }
        frame.close();
      }
      return result;
    }, normal);
    console.log(`largest differences of 255: ${JSON.stringify(worst)}`);
    expect(Object.keys(worst)).toHaveLength(8);
    // On the CPU Chromium repeats the chroma of NV12, where its GPU path interpolates it.
    for (const [kind, most] of Object.entries(worst))
      expect(most, kind).toBeLessThan(kind.startsWith("NV12") ? 5 : 1.001);
  });

  test("a classifier takes a VideoFrame and a video on the GPU, without decoding; where the CPU runs, it decodes", async () => {
    const found = await page.evaluate(
      async ({ source, normal }) => {
        const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
        const bitmap = await createImageBitmap(blob);
        const { width, height } = bitmap;
        const canvas = document.createElement("canvas");
        Object.assign(canvas, { width, height });
        const draw = () => canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
        draw();
        const video = document.createElement("video");
        video.muted = true;
        video.srcObject = canvas.captureStream(30);
        const drawing = setInterval(draw, 20);
        await video.play();
        clearInterval(drawing);
        let decoded = 0;
        const { createImageBitmap: decode } = globalThis;
        globalThis.createImageBitmap = ((...all: Parameters<typeof decode>) => {
          decoded++;
          return decode(...all);
        }) as typeof decode;
        const { copyTo } = VideoFrame.prototype;
        VideoFrame.prototype.copyTo = function (...all) {
          decoded++;
          return copyTo.apply(this, all);
        };
        const failure = (promise: Promise<unknown>) =>
          promise.then(
            () => "none",
            (error: Error) => error.name,
          );
        const result: Record<string, unknown> = {};
        for (const device of ["gpu", "cpu"] as const) {
          // Where structure or mean is not stated, the first picture is read on the CPU too, for the doubts.
          const stated = { architecture: { epsilon: 1e-5 }, preprocess: normal } as const;
          const options = { ...stated, device, inputSize: 32, worker: false } as const;
          const classifier = await resnetEdge.loadClassifier(source, options);
          decoded = 0;
          const frame = new VideoFrame(bitmap, { timestamp: 0 });
          const scores = [frame, video, frame].map(async (image) => (await classifier.classify(image))[0]!);
          const answers = await Promise.all(scores);
          const decodings = decoded;
          frame.close();
          const closed = await failure(classifier.classify(frame));
          const empty = await failure(classifier.classify(document.createElement("video")));
          const [after] = await classifier.classify(video);
          const devices = [...new Set(classifier.plan.stages.map((stage) => stage.device))];
          result[device] = { answers, decodings, closed, empty, after, devices };
          await classifier.close();
        }
        globalThis.createImageBitmap = decode;
        VideoFrame.prototype.copyTo = copyTo;
        return result as Record<
          "gpu" | "cpu",
          { answers: Prediction[]; decodings: number; after: Prediction; devices: string[] } & Record<string, unknown>
        >;
      },
      { source: small, normal },
    );
    for (const device of ["gpu", "cpu"] as const) {
      expect(found[device]).toMatchObject({
        decodings: device === "gpu" ? 0 : 3,
        closed: "ImageDecodeError",
        empty: "ImageDecodeError",
        devices: [device],
      });
      const { answers, after } = found[device];
      for (const [at, { index, score }] of [...answers, after].entries()) {
        const expected = [...found.cpu.answers, found.cpu.after][at]!;
        expect(index).toBe(expected.index);
        expect(score).toBeCloseTo(expected.score, 3);
      }
    }
  });

  test("in a worker: a VideoFrame goes there and is read there; a GPUBuffer cannot, and the error says so", async () => {
    const found = await page.evaluate(async (source) => {
      const blob = await (await fetch("/examples/photos/cat.jpg")).blob();
      const frame = new VideoFrame(await createImageBitmap(blob), { timestamp: 0 });
      const best: Prediction[] = [];
      for (const device of ["cpu", "gpu"] as const) {
        const classifier = await resnetEdge.loadClassifier(source, { device, inputSize: 32 });
        for (let round = 0; round < 2; round++) best.push((await classifier.classify(frame))[0]!);
        await classifier.close();
      }
      const open = frame.codedWidth > 0;
      frame.close();
      const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
      const model = await resnetEdge.loadModel("/models/cifar10-resnet20.safetensors");
      const buffer = device.createBuffer({ size: 12 * 32 * 32, usage: GPUBufferUsage.COPY_SRC });
      const error = await model.run(buffer).catch((it: Error) => `${it.name}: ${it.message}`);
      await model.close();
      return { best, open, error };
    }, small);
    for (const { index, score } of found.best) {
      expect(index).toBe(found.best[0]!.index);
      expect(score).toBeCloseTo(found.best[0]!.score, 3);
    }
    expect(found.open).toBe(true);
    expect(found.error).toMatch(/^GpuInputError: .*worker.*gpuDevice/);
  });
});
