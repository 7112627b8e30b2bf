import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../built.js";
import { command, lines } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string) => fileURLToPath(new URL(`test/fixtures/${name}`, root));
/** A ResNet-20 that computes in float. */
const f32Model = "models/cifar10-resnet20.safetensors";
/** PyTorch's five best of each photograph, best first: test/hosts/expected.py. */
const photos: Readonly<Record<string, readonly { label: string; score: number }[]>> = JSON.parse(
  readFileSync(new URL("test/hosts/expected.json", root), "utf8"),
).integers.photos;

describe("classify", () => {
  test("a folder, as text: what the README shows", async () => {
    const result = await command("classify", "examples/photos");
    expect(result.code).toBe(0);
    expect(result.stderr).toBe("");
    const readme = readFileSync(new URL("README.md", root), "utf8");
    const found = lines(result);
    const names = Object.keys(photos);
    expect(found).toHaveLength(6 * names.length);
    for (const [index, name] of names.entries()) {
      const [head, best, second] = found.slice(6 * index);
      expect(head).toMatch(new RegExp(`^examples/photos/${name}  \\(`));
      const [, percent, label] = /^ +([\d.]+) % {2}(.*)$/.exec(best!)!;
      expect(label).toBe(photos[name]![0]!.label);
      expect(Math.abs(Number(percent) / 100 - photos[name]![0]!.score)).toBeLessThan(0.02);
      const shown = readme.slice(readme.indexOf(`examples/photos/${name}  (`)).split("\n");
      expect(shown.slice(1, 3)).toEqual([best, second]);
    }
  });

  test("--json is one object a line, and silent beside it", async () => {
    const result = await command("classify", "examples/photos", "--json", "--logits", "--top-k", "3");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const objects = lines(result).map((line) => JSON.parse(line));
    expect(objects.map(({ image }) => image)).toEqual(
      ["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"].map((name) => `examples/photos/${name}`),
    );
    for (const { predictions, logits, ms } of objects) {
      expect(predictions).toHaveLength(3);
      expect(predictions[0]).toEqual({
        index: expect.any(Number),
        label: expect.any(String),
        score: expect.any(Number),
      });
      expect(logits).toHaveLength(110);
      expect(Math.max(...logits)).toBe(logits[predictions[0].index]);
      for (const phase of ["decode", "preprocess", "inference"]) expect(ms[phase]).toBeGreaterThanOrEqual(0);
    }
  });

  test("both modules, and every convolution, agree", async () => {
    const scores = async (...more: string[]) => {
      const words = ["examples/photos/cat.jpg", "--model", f32Model, "--json", "--logits", ...more];
      const result = await command("classify", ...words);
      return JSON.parse(result.stdout).logits as number[];
    };
    const first = await scores("--simd", "baseline");
    for (const convolution of ["direct", "winograd2", "winograd4"]) {
      const other = await scores("--convolution", convolution);
      for (const [index, logit] of other.entries()) expect(logit).toBeCloseTo(first[index]!, 3);
    }
  });

  test("an image that fails has its line, the rest go on, and the exit status is 1", async () => {
    const images = join(folder, "images");
    mkdirSync(images);
    writeFileSync(join(images, "a.jpg"), "no image");
    const result = await command("classify", images, "examples/photos/cat.jpg", join(folder, "none.png"), "--json");
    expect(result.code).toBe(1);
    const objects = lines(result).map((line) => JSON.parse(line));
    expect(objects[0]).toEqual({
      image: join(images, "a.jpg"),
      error: { name: "ImageDecodeError", message: expect.any(String) },
    });
    expect(objects[1].predictions[0].label).toBe("cat");
    expect(objects[2].error.name).toBe("SourceError");
    expect(result.stdout + result.stderr).not.toMatch(/\n\s+at /);
  });

  test("labels and another model", async () => {
    const labels = join(folder, "labels.txt");
    writeFileSync(labels, Array.from({ length: 110 }, (_, index) => `class ${index}\n`).join(""));
    const result = await command("classify", "examples/photos/cat.jpg", "--labels", labels, "--json", "--top-k", "1");
    expect(JSON.parse(result.stdout).predictions[0].label).toBe("class 3");
    const model = fixture("networks/basic.safetensors");
    expect((await command("classify", "examples/photos/cat.jpg", "--model", model, "--json")).code).toBe(0);
  });

  test("an empty folder", async () => {
    const empty = mkdtempSync(join(folder, "empty-"));
    const result = await command("classify", empty);
    expect(result.code).toBeGreaterThan(0);
    expect(result.stderr).toMatch(/no image/i);
  });
});

describe("inspect", () => {
  test("a graph of integers with more than a plain ResNet's operations", async () => {
    const result = await command("inspect", fixture("quantized-onnx/residual-u8.onnx"), "--records");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/in integers:/);
    expect(result.stdout).toMatch(/qs8_conv/);
  });

  test("as text, with what it costs", async () => {
    const result = await command("inspect", f32Model);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/parameters\s+272,474/);
    expect(result.stdout).toMatch(/wasm memory\s+fast \d+\.\d MB .*small \d+\.\d MB/);
  });

  test("--json", async () => {
    const result = await command("inspect", "--json");
    const description = JSON.parse(result.stdout);
    expect(description.parameters).toBe(1_095_918);
    expect(description.stages.map(({ name }: { name: string }) => name)).toEqual([
      "stem",
      "layer1",
      "layer2",
      "layer3",
      "head",
    ]);
    // Integers are packed alike in both.
    const { memory } = JSON.parse((await command("inspect", f32Model, "--json")).stdout);
    expect(memory.small.total).toBeLessThan(memory.fast.total);
  });

  test("--records: what the CPU would run, word by word", async () => {
    const { stdout } = await command("inspect", f32Model, "--records", "--convolution", "direct");
    expect(stdout).toMatch(/^1 layer1\.0\.conv1 f32_conv: kernel=conv pieces=2 .*kernelHeight=3 .*rowsPerPiece=512/m);
    const result = await command("inspect", f32Model, "--records", "--json");
    const { records } = JSON.parse(result.stdout);
    const last = records.at(-1);
    expect(last).toMatchObject({ stage: 4, name: "fc", kernel: "f32_conv" });
    expect(last.fields).toMatchObject({ kernel: "conv", tile: "f32_4x8", depth: 64, groupOut: 12 });
    expect(JSON.parse((await command("inspect", "--json")).stdout).records).toBe(undefined);
  });

  test.each([
    ["a pickle that calls os.system", fixture("weights/hostile-os-system.zip.pth"), /nothing was executed/],
    ["a photograph", "examples/photos/cat.jpg", /not a weights file/],
    ["nothing there", "/nowhere/model.pth", /check the path/],
  ])("%s: one line, exit 1", async (_, model, message) => {
    const result = await command("inspect", model);
    expect(result.code).toBe(1);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect((await command("inspect", model, "--debug")).stderr).toMatch(/\n\s+at /);
  });
});

describe("bench", () => {
  test("the bundled model, as JSON: stages and kernels, and the roof", async () => {
    const result = await command("bench", "--runs", "3", "--json");
    const { ms, stages, ops, roofGflops } = JSON.parse(result.stdout);
    expect(ms.median).toBeGreaterThan(0);
    expect(roofGflops).toBeGreaterThan(1);
    expect(stages).toHaveLength(5);
    expect(ops.length).toBeGreaterThan(20);
  });

  test("a network by name needs no file", async () => {
    const result = await command("bench", "--arch", "resnet20", "--arch", "resnet32", "--runs", "2");
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/resnet20/);
    expect(result.stdout).toMatch(/resnet32/);
  });

  test("--device auto adds the plan, why it is so, and what it takes", async () => {
    const words = ["bench", "--arch", "resnet20", "--runs", "2", "--device", "auto"];
    const [text, json] = [await command(...words), await command(...words, "--json")];
    expect(text.stdout).toMatch(/stage {3}device\nstem {4}cpu\n/);
    expect(text.stdout).toMatch(/WebGPU|software adapter/);
    expect(text.stdout).toMatch(/measured [\d.]+ ms one at a time, [\d.]+ ms each in a stream/);
    const { plan, measuredMs, streamMs } = JSON.parse(json.stdout);
    expect(plan.stages.map(({ device }: { device: string }) => device)).toEqual(Array(5).fill("cpu"));
    expect(Math.min(measuredMs, streamMs)).toBeGreaterThan(0);
  });
});

describe("usage", () => {
  test.each([
    [[], /no command/],
    [["dance"], /unknown command/],
    [["classify"], /image/i],
    [["classify", "x.jpg", "--top-k", "many"], /top-k/],
    [["classify", "x.jpg", "--top-k", "0"], /top-k|topK/],
    [["classify", "x.jpg", "--colour"], /colour/],
    [["classify", "x.jpg", "--device", "tpu"], /device/],
    [["classify", "x.jpg", "--threads", "-1"], /threads/],
    [["bench", "--arch", "vgg16"], /vgg16/],
    [["bench", "--runs", "0"], /runs/],
    [["inspect", "a", "b"], /one model/],
    [["inspect", "a", "--top-k", "3"], /inspect takes no --top-k; classify takes it/],
    [
      ["pull", "resnet18", "--device", "cpu"],
      /pull takes no --device; classify, inspect, check, quantize, bench, embed, explain, teach take it/,
    ],
  ])("%j: exit 2, and says why", async (words, message) => {
    const result = await command(...words);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(message);
  });

  test("--help", async () => {
    const result = await command("--help");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    for (const word of ["classify", "inspect", "bench", "--model", "--json"]) expect(result.stdout).toContain(word);
  });
});
