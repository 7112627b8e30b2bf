import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeFile } from "../../src/image/decode-node.js";
import { preprocess } from "../../src/image/index.js";
import type * as Options from "../../src/options.js";
import { library, root } from "../built.js";
import { command, lines } from "../cli/command.js";
import { modules } from "../cpu/engine.js";
import { openDawn } from "../gpu/dawn.js";
import { data, noData } from "./data.js";

interface Expected {
  readonly stages: Record<string, { shape: number[]; largest: number; step: number; values: number[] }>;
  readonly features: number[];
  readonly maps: { index: number; logit: number; bias: number; values: number[] }[];
}

/** PyTorch's, in f64. */
const expected: Record<string, Expected> = JSON.parse(
  readFileSync(new URL("test/fixtures/features/resnet18-stages.json", root), "utf8"),
);
/** A software adapter takes minutes for a ResNet-18: `npm run test:gpu` looks there too (test/gpu/features.test.ts has a small network). */
const { gpu, skip } = process.env.RESNET_EDGE_GPU
  ? await openDawn()
  : { gpu: null, skip: "RESNET_EDGE_GPU is not set" };
if (skip) console.log(`skipped: features of a ResNet-18 on a GPU, ${skip}`);

const file = (name: string) => fileURLToPath(new URL(`imagenet/${name}`, data));
const crop = (name: string) => decodeFile(file(`crops/${name}`));
const model18 = file("resnet18.safetensors");

const settings: { title: string; options: Options.LoadOptions }[] = [
  ...modules.map((simd) => ({ title: `CPU, ${simd}`, options: { simd, device: "cpu" as const } })),
  { title: "CPU, in place", options: { worker: false, device: "cpu" } },
  ...(gpu ? [{ title: "GPU", options: { device: "gpu" as const, gpu } }] : []),
];

const most = (values: readonly number[]) => Math.max(...values.map(Math.abs));

describe.skipIf(noData).each(settings)(`ResNet-18 against PyTorch, $title${noData}`, ({ options }) => {
  test("every stage within 1e-5 of its largest value, and the features too", { timeout: 120_000 }, async () => {
    const preset = { resize: 224, crop: 224 };
    const model = await library.loadModel(model18, options);
    const classifier = await library.loadClassifier(model18, { ...options, preprocess: preset });
    let worst = 0;
    for (const [name, { stages, features }] of Object.entries(expected)) {
      const image = await crop(name);
      const input = preprocess(image, { ...model.preprocess, ...preset });
      for (const [stage, { shape, largest, step, values }] of Object.entries(stages)) {
        const got = await model.run(input, { until: stage });
        expect(got.shape).toEqual(shape.length === 3 ? [1, ...shape] : shape);
        for (const [at, value] of values.entries()) {
          worst = Math.max(worst, Math.abs(got.values[at * step]! - value) / largest);
        }
      }
      const got = await classifier.embed(image);
      expect(got).toHaveLength(classifier.embedding!);
      for (const [at, value] of features.entries())
        worst = Math.max(worst, Math.abs(got[at]! - value) / most(features));
    }
    console.log(`largest difference ${worst.toExponential(1)} of the largest value`);
    await model.close();
    await classifier.close();
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(1e-5);
  });

  test("a class's map is PyTorch's; its mean and the bias make the logit within 1e-5", {
    timeout: 120_000,
  }, async () => {
    const classifier = await library.loadClassifier(model18, { ...options, preprocess: { resize: 224, crop: 224 } });
    let worst = 0;
    for (const [name, { maps }] of Object.entries(expected)) {
      for (const { index, logit, bias, values } of maps) {
        const map = await classifier.explain(await crop(name), { index });
        const mean = map.values.reduce((sum, value) => sum + value, 0) / map.values.length;
        const largest = most(maps.map((it) => it.logit));
        worst = Math.max(worst, Math.abs(mean + map.bias - map.logit) / largest);
        expect(Math.abs(map.logit - logit) / largest).toBeLessThan(1e-4);
        expect(map.bias).toBeCloseTo(bias, 6);
        for (const [at, value] of values.entries()) {
          expect(Math.abs(map.values[at]! - value) / most(values)).toBeLessThan(1e-4);
        }
      }
    }
    console.log(`mean and bias against the logit: ${worst.toExponential(1)} of the largest`);
    await classifier.close();
    expect(worst).toBeLessThan(1e-5);
  });
});

describe.skipIf(noData)(`the commands embed and explain${noData}`, () => {
  test("vectors as NumPy and as lines; a picture of why", { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "embed-"));
    const images = Object.keys(expected).map((name) => file(`crops/${name}`));
    const parameters = ["--model", model18, "--resize", "224"];
    const numpy = await command("embed", ...images, "nowhere.png", ...parameters, "--output", join(folder, "v.npy"));
    expect(numpy.code).toBe(1);
    expect(numpy.stderr).toMatch(/nowhere.png/);
    expect(lines(numpy)).toEqual(images);
    const bytes = await readFile(join(folder, "v.npy"));
    expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x93NUMPY\x01\x00");
    expect(bytes.readUInt16LE(8)).toBe(118);
    expect(bytes.subarray(10, 128).toString()).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3, 512\), \} +\n$/,
    );
    const values = new Float32Array(Uint8Array.from(bytes.subarray(128)).buffer);
    expect(values).toHaveLength(3 * 512);
    for (const [row, { features }] of Object.values(expected).entries()) {
      for (const [at, value] of features.entries()) expect(values[512 * row + at]).toBeCloseTo(value, 3);
    }
    const text = await command("embed", images[0]!, ...parameters, "--output", join(folder, "v.jsonl"));
    expect(text.code).toBe(0);
    const [line] = (await readFile(join(folder, "v.jsonl"), "utf8")).trimEnd().split("\n");
    const { image, embedding } = JSON.parse(line!);
    expect(image).toBe(images[0]);
    expect(Float32Array.from(embedding)).toEqual(values.slice(0, 512));

    const photograph = file("images/n02127052_lynx.JPEG");
    const why = await command("explain", photograph, "--model", model18, "--output", join(folder, "why.png"), "--json");
    expect(why.code, why.stderr).toBe(0);
    const [one, drawn] = [await sharp(photograph).metadata(), await sharp(join(folder, "why.png")).metadata()];
    expect([drawn.width, drawn.height, drawn.format]).toEqual([one.width, one.height, "png"]);
    expect(JSON.parse(lines(why)[0]!)).toMatchObject({ index: 287, method: "cam", height: 7, width: 7 });
    await rm(folder, { recursive: true });
  });
});
