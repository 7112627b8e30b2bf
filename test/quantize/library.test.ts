import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { NodeImage, QuantizedFile, QuantizeProgress } from "../../src/entry/quantize-node.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { library, root } from "../built.js";
import { pictures } from "../check/fixture.js";
import { command } from "../cli/command.js";

const { quantize }: typeof import("../../src/entry/quantize-node.js") = await import(
  /* @vite-ignore */ pathToFileURL(new URL("dist/quantize-node.js", root).pathname).href
);

const model = fileURLToPath(new URL("test/fixtures/check/calibrated.safetensors", root));
const images: NodeImage[] = pictures.map(({ data, width, height }) => ({ data, width, height }));

let made: QuantizedFile;
beforeAll(async () => {
  made = await quantize(model, images);
}, 120_000);

test("half of an array calibrates, the rest is held out; the report is of the file that it comes with", async () => {
  const { file, report } = made;
  expect(report).toMatchObject({ dtype: "int8", calibration: 12, evaluated: 12, passedOver: [], bytes: file.length });
  expect(report.ratio).toBe(file.length / report.floatBytes);
  const { tensors } = readSafetensors(file, "the file");
  const weights = [...tensors.values()].filter(({ name }) => /\.weight$/.test(name));
  expect(report.layers.map(({ name }) => name).sort()).toEqual(weights.map(({ name }) => name.slice(0, -7)).sort());
  for (const { name, weights, reason, signalToNoise } of report.layers) {
    expect(weights === "int8").toBe(tensors.get(`${name}.weight`)!.dtype === "i8");
    expect(weights === "float").toBe(reason !== undefined);
    expect(signalToNoise).toBeGreaterThan(15);
  }
  expect(report.layers[0]).toMatchObject({ name: "conv1", weights: "float", reason: "it reads the image" });
  expect(report.notes.join(" ")).toMatch(/12 pictures are few/);
  expect(report.statistics).toMatchObject({ answer: "fits" });
});

test("agreement is what two loaded models say of the pictures held out", async () => {
  const { file, report } = made;
  const best = async (source: string | Uint8Array, precision?: "f32") => {
    const classifier = await library.loadClassifier(source, {
      device: "cpu",
      threads: 1,
      ...(precision && { precision }),
    });
    const answers = await classifier.classify(
      images.filter((_, index) => index % 2 === 0),
      { topK: 1 },
    );
    await classifier.close();
    return answers.map(([first]) => first!.index);
  };
  // The spread of 12 over 24 takes every second one: 1, 3, 5 ...
  const [float, integers] = [await best(model), await best(file)];
  expect(report.agreeing).toBe(float.filter((it, index) => it === integers[index]).length);
  expect(report.agreement).toBe(report.agreeing / 12);
});

test("the command writes the same bytes, for the same pictures, whatever the threads", async () => {
  const folder = mkdtempSync(join(tmpdir(), "quantize-library-"));
  const { default: sharp } = await import("sharp");
  const paths = await Promise.all(
    pictures.map(async ({ data, width, height }, index) => {
      const path = join(folder, `${String(index).padStart(2, "0")}.png`);
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(path);
      return path;
    }),
  );
  const output = join(folder, "command.safetensors");
  await command("quantize", model, "--images", folder, "--output", output, "--threads", "2");
  expect(readFileSync(output).equals(made.file)).toBe(true);
  writeFileSync(join(folder, "bad.png"), "no picture");
  const { report } = await quantize(model, [paths[0]!, join(folder, "bad.png"), ...paths.slice(1, 12)], {
    evaluate: [new Uint8Array(7), ...images.slice(12)],
  });
  rmSync(folder, { recursive: true });
  expect(report).toMatchObject({ calibration: 12, evaluated: 12 });
  expect(report.passedOver.map(({ image, name }) => [image, name])).toEqual([
    [join(folder, "bad.png"), "ImageDecodeError"],
    ["image 1", "ImageDecodeError"],
  ]);
}, 120_000);

test("a stream calibrates and is held out in turns, is read no further than needed, and is closed", async () => {
  let [asked, closed] = [0, false];
  async function* camera(): AsyncGenerator<NodeImage> {
    try {
      for (;;) yield images[asked++ % images.length]!;
    } finally {
      closed = true;
    }
  }
  const { file, report } = await quantize(model, camera(), { calibration: 5 });
  expect([asked, closed]).toEqual([9, true]);
  expect(report).toMatchObject({ calibration: 5, evaluated: 4 });
  const same = await quantize(
    model,
    [0, 2, 4, 6, 8].map((index) => images[index]!),
    { evaluate: new Set(images.slice(0, 3)) },
  );
  expect(same.report).toMatchObject({ calibration: 5, evaluated: 3 });
  expect(same.file).toEqual(file);
}, 120_000);

test("progress is told in phases, each to its end", async () => {
  const told: QuantizeProgress[] = [];
  await quantize(model, images, { onProgress: (it) => told.push(it) });
  const phases = [...new Set(told.map(({ phase }) => phase))];
  expect(phases.slice(-7)).toEqual(["pictures", "calibrate", "clip", "correct", "noise", "compare", "statistics"]);
  for (const phase of phases) {
    const [last] = told.filter((it) => it.phase === phase).slice(-1);
    expect(last!.loaded, phase).toBe(last!.total);
  }
}, 120_000);

test("types that are only smaller need no pictures, and are compared on those that are given", async () => {
  const { file, report } = await quantize(model, null, { dtype: "f16" });
  expect(report).toMatchObject({
    dtype: "f16",
    calibration: 0,
    evaluated: 0,
    agreement: null,
    layers: [],
    bytes: file.length,
  });
  expect(report.ratio).toBeLessThan(0.6);
  const compared = await quantize(model, images.slice(0, 6), { dtype: "int8-weights", labels: [..."abcdef"] });
  expect(compared.report).toMatchObject({ calibration: 0, evaluated: 6 });
  const classifier = await library.loadClassifier(compared.file);
  expect(classifier.labels).toEqual([..."abcdef"]);
  await classifier.close();
}, 120_000);

test("pictures unlike training's are said not to fit", async () => {
  const harsh = Array.from({ length: 24 }, (_, index) => {
    const { data, width, height } = pictures[index]!;
    return { data: data.map((it) => (it > 127 ? 255 : 0)), width, height };
  });
  const { report } = await quantize(model, harsh, { preprocess: { std: [0.02, 0.02, 0.02] } });
  expect(report.statistics!.answer).toBe("does not fit");
  expect(report.notes.join(" ")).toMatch(/do not fit the model: Pictures are \d/);
}, 120_000);

test("docs/api.md's example runs as it stands", async () => {
  const text = readFileSync(new URL("docs/api.md", root), "utf8");
  const [, example] = /## Quantizing[\s\S]*?```ts\n([\s\S]*?)```/.exec(text)!;
  const photos = ["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"].map((name) => `examples/photos/${name}`);
  const given = `const model = ${JSON.stringify(model)}, photos = ${JSON.stringify([...photos, ...photos])};`;
  const code = `${given}\n${example}\nawait classifier.close();`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { cwd: fileURLToPath(root) });
  const [first, ...others] = stdout.trimEnd().split("\n");
  expect(first).toMatch(/^[0-4] of 4 answers are float's, in 0\.\d\d of the bytes$/);
  expect(others[0]).toBe("conv1 stays float: it reads the image");
  expect(others.join(" ")).toMatch(/4 pictures are few/);
}, 60_000);

describe("what cannot be", () => {
  const silu = { architecture: { activation: "silu" } } as const;
  test.each<[string, unknown, unknown, object, string, RegExp]>([
    ["no images", model, [], {}, "OptionError", /No image to calibrate on; give 16/],
    ["no images at all", model, undefined, {}, "OptionError", /No image to calibrate on/],
    ["one image instead of a list", model, new Uint8Array(9), {}, "OptionError", /one image is \[image\]/],
    ["a path instead of a list", model, "photos", {}, "OptionError", /one image is \[image\]/],
    ["too few", model, images.slice(0, 3), {}, "OptionError", /2 images are too few to calibrate on; give 16/],
    ["none that can be read", model, ["/no.jpg", "/no2.jpg"], {}, "ImageDecodeError", /first, \/no.jpg: /],
    ["an unknown option", model, images, { calibrate: 3 }, "OptionError", /did you mean "calibration"/],
    ["an unknown type", model, images, { dtype: "int4" }, "OptionError", /one of int8, int8-weights, f16, bf16/],
    ["a number of pictures", model, images, { calibration: 1 }, "OptionError", /a whole number from 4/],
    ["no ReLU", model, images, silu, "UnsupportedModelError", /each follows a silu.*int8-weights/],
    ["no model", "/no/model.safetensors", images, {}, "SourceError", /check the path/],
    ["no worker", model, images, { worker: "/no/worker.js" }, "WorkerError", /state its address as worker/],
  ])("%s", async (_, source, given, options, name, message) => {
    const found = await quantize(source as string, given as NodeImage[], options).catch((error) => error);
    expect(found.message).toMatch(message);
    expect(found.name).toBe(name);
  });

  test("a model of integers", async () => {
    await expect(quantize(made.file, images)).rejects.toThrow(/of integers already; quantize the f32 file/);
  });

  test("an abort, before and within, with its reason; what is iterated is closed", async () => {
    await expect(quantize(model, images, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const controller = new AbortController();
    const onProgress = ({ phase }: QuantizeProgress) => phase === "clip" && controller.abort(new Error("enough"));
    await expect(quantize(model, images, { signal: controller.signal, onProgress })).rejects.toThrow("enough");
    const thrown = quantize(model, images, {
      onProgress() {
        throw new Error("mine");
      },
    });
    await expect(thrown).rejects.toThrow("mine");
  }, 60_000);

  test("a stream that fails ends the work with its own error", async () => {
    async function* broken(): AsyncGenerator<NodeImage> {
      yield images[0]!;
      throw new Error("the camera is off");
    }
    await expect(quantize(model, broken())).rejects.toThrow("the camera is off");
  });
});
