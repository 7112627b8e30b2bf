import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelFormatError, UnsupportedModelError } from "../../src/errors.js";
import { toFloat32 } from "../../src/weights/index.js";
import { readWeights } from "./read.js";

// Made by scripts/fixtures/checkpoints.py, with what PyTorch and numpy read in each tensor.
const folder = new URL("../fixtures/weights/company/", import.meta.url);
const load = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const expected: Record<string, Record<string, { shape: number[]; f32: string }>> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

describe("checkpoints with company, whole modules and arrays", () => {
  test.each(Object.keys(expected))("%s: the tensors that PyTorch sees", async (name) => {
    const state = await readWeights(load(name), name);
    const wanted = expected[name]!;
    expect([...state.tensors.keys()].sort()).toEqual(Object.keys(wanted).sort());
    for (const [key, { shape, f32 }] of Object.entries(wanted)) {
      const tensor = state.tensors.get(key)!;
      expect(tensor.shape, key).toEqual(shape);
      expect(Buffer.from(toFloat32(tensor).buffer).equals(Buffer.from(f32, "base64")), key).toBe(true);
    }
  });

  test("where there was a choice, it is said what was taken and what was not", async () => {
    expect((await readWeights(load("model-and-ema.pth"), "x")).notes).toEqual([
      'The weights under "model" were read; the file has others under "model_ema".',
    ]);
    expect((await readWeights(load("under-resnet_weights.pth"), "x")).notes).toEqual([
      'The weights under "resnet_weights" were read.',
    ]);
    expect((await readWeights(load("module.pth"), "x")).notes?.join()).toMatch(/holds a whole __main__\.Net/);
    expect((await readWeights(load("with-namespace.pth"), "x")).notes).toEqual([]);
  });
});

describe("what has no plain values is refused by name, and told from damage", () => {
  test.each([
    ["quantised", /"fc\.weight" is quantised in a way of its own\. Save the weights dequantised/],
    ["sparse", /is sparse\. Save it dense/],
    ["complex", /is ComplexFloat, which cannot be computed with\. Convert the weights to float32/],
    ["fp8", /is torch\.float8_e4m3fn, which cannot/],
    ["meta", /is without values/],
  ])("%s", async (name, message) => {
    const read = readWeights(load(`refused-${name}.pth`), "x");
    await expect(read).rejects.toThrow(UnsupportedModelError);
    await expect(read).rejects.toThrow(message);
  });
});

describe("what would call code is refused by name, and nothing runs", () => {
  test.each([
    ["subprocess", /refers to (subprocess|commands)\.Popen/],
    ["partial", /refers to functools\.partial/],
    ["import", /refers to importlib\.import_module/],
    ["attrgetter", /refers to operator\.attrgetter/],
    ["runpy", /refers to runpy\.run_path/],
    ["getattr", /asks for the members of an object/],
    ["own-function", /calls torch\.hub\.load/],
    ["exec", /refers to __builtin__\.exec/],
  ])("%s", async (name, message) => {
    const before = readdirSync(".");
    const read = readWeights(load(`calls-${name}.pth`), "x");
    await expect(read).rejects.toThrow(ModelFormatError);
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toThrow(/nothing was executed\. Save the weights alone: .*path\)\.$/);
    expect(readdirSync(".")).toEqual(before);
    expect(existsSync("resnet-edge-was-here")).toBe(false);
  });
});
