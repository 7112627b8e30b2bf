import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { library, root } from "../built.js";
import { pictures } from "../check/fixture.js";
import { command, lines } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "quantize-"));
const images = join(folder, "images");
const model = fileURLToPath(new URL("test/fixtures/check/calibrated.safetensors", root));

beforeAll(async () => {
  mkdirSync(images);
  for (const [index, { data, width, height }] of pictures.entries()) {
    const name = `${String(index).padStart(2, "0")}.png`;
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(images, name));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a folder calibrates one half and tries the other; the same words give the same file", async () => {
  const [one, other] = [join(folder, "one.safetensors"), join(folder, "other.safetensors")];
  const result = await command("quantize", model, "--images", images, "--output", one, "--json");
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const report = JSON.parse(lines(result)[0]!);
  expect(report).toMatchObject({ file: one, dtype: "int8", calibration: 12, evaluated: 12 });
  expect(report.agreeing).toBeGreaterThanOrEqual(11);
  expect(report.bytes).toBe(statSync(one).size);
  expect(report.notes.join(" ")).toMatch(/12 pictures are few/);
  expect(report.layers[0]).toMatchObject({ name: "conv1", weights: "float" });
  await command("quantize", model, "--images", images, "--output", other, "--threads", "1");
  expect(readFileSync(other).equals(readFileSync(one))).toBe(true);
  const classified = await command("classify", join(images, "03.png"), "--model", one, "--json");
  expect(classified.code).toBe(0);
}, 240_000);

test("text: noise by layer, bytes, agreement, what BatchNorms say; a file that is no picture is named, and exit status 1", async () => {
  const mixed = join(folder, "mixed");
  mkdirSync(mixed);
  for (let index = 0; index < 20; index++) {
    const name = `${String(index).padStart(2, "0")}.png`;
    copyFileSync(join(images, name), join(mixed, name));
  }
  writeFileSync(join(mixed, "zz.png"), "no picture");
  const output = join(folder, "text.safetensors");
  const { code, stdout, stderr } = await command("quantize", model, "--images", mixed, "--output", output);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^\S*zz\.png: ImageDecodeError: .*\n$/);
  expect(stdout).toMatch(/^conv1 +float +200\.0 .*float: it reads the image$/m);
  expect(stdout).toMatch(/^layer1\.0\.conv1 +int8 +\d\d\.\d +\d\d\.\d/m);
  expect(stdout).toMatch(/: int8, 0\.0 MB, 0\.\d{3} of f32's$/m);
  // Of 21 the 11 that calibrate are spread to the last, which is no picture.
  expect(stdout).toMatch(/^10 pictures for calibration; of 10 held out \d+ \(\d+\.\d %\) have the same best class/m);
  expect(stdout).toMatch(/^Statistics of BatchNorm: fits\. Pictures are 0\.\d\d away from what training saw\.$/m);
}, 120_000);

test("--dtype f16 needs no pictures, and says how many bytes are left", async () => {
  const output = join(folder, "half.safetensors");
  const result = await command("quantize", model, "--output", output, "--dtype", "f16");
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toMatch(/f16, .* MB, 0\.\d+ of f32's/);
  const weights = await command("quantize", model, "--output", output, "--dtype", "int8-weights", "--json");
  expect(JSON.parse(weights.stdout).dtype).toBe("int8-weights");
  expect((await command("inspect", output)).stdout).toMatch(/classes/);
}, 120_000);

test("inspect: which layers are integers, the bytes against f32's, and memory as an engine takes it", async () => {
  const file = join(folder, "inspected.safetensors");
  await command("quantize", model, "--images", images, "--output", file);
  const bytes = readFileSync(file);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0))));
  const weights = Object.entries<{ dtype: string; shape: number[] }>(header).filter(([name]) => /\.weight$/.test(name));
  const float = weights.filter(([, { dtype }]) => dtype !== "I8").map(([name]) => name.replace(".weight", ""));
  const floatBytes = weights.reduce((sum, [, { shape }]) => sum + 4 * (shape.reduce((a, b) => a * b) + shape[0]!), 0);
  const inspected = async (...words: string[]) =>
    JSON.parse((await command("inspect", file, "--json", ...words)).stdout);
  const found = await inspected("--records");
  expect(found.computed).toBe("int8");
  expect(found.weights).toEqual({
    ...{ dtype: "int8", layers: weights.length, integers: weights.length - float.length, float },
    ...{ bytes: bytes.length, floatBytes },
  });
  expect(float.length).toBeGreaterThan(0);
  expect(found.records.filter(({ kernel }: { kernel: string }) => kernel.startsWith("qs8_")).length).toBeGreaterThan(5);
  const options = { threads: 1, worker: false, device: "cpu" } as const;
  for (const precision of [undefined, "f32"] as const) {
    const engine = await library.loadModel(file, { ...options, memory: "small", ...(precision && { precision }) });
    const { wasmBytes } = engine.stats;
    await engine.close();
    const { memory } = precision ? await inspected("--precision", precision) : found;
    expect(memory.small.total).toBe(wasmBytes);
  }
  const plain = await inspected("--precision", "f32", "--records");
  expect(plain.computed).toBe("f32");
  expect(JSON.stringify(plain.records)).not.toMatch(/qs8_/);
  expect(plain.memory.fast.weights).toBeGreaterThan(2 * found.memory.fast.weights);
  const { stdout } = await command("inspect", file);
  expect(stdout).toMatch(/^weights +int8, \d+ of \d+ layers; the file is 0\.\d+ of f32's/m);
  expect(stdout).toMatch(new RegExp(`^in float +${float.join(", ")}$`, "m"));
  expect(stdout).toMatch(/^wasm memory +in integers: fast/m);
  expect((await command("inspect", file, "--precision", "int8")).stderr).toMatch(/precision/);
  expect((await command("inspect", model)).stdout).toMatch(/^weights +f16; the file is 0\.5\d+ of f32's/m);
}, 240_000);

test.each([
  [[], /takes one model/],
  [[model], /needs --output/],
  [[model, "--output", "x"], /needs --images/],
  [[model, "--output", "x", "--dtype", "int4"], /one of int8, int8-weights, f16, bf16/],
  [[model, "--output", "x", "--images", images, "--calibration", "0"], /whole number from 1/],
  [[model, "--output", "x", "--images", images, "--simd", "wide"], /simd is "wide"/],
  [[model, "--output", "x", "--images", images, "--tile", "4x8"], /quantize takes no --tile; classify, inspect/],
])("%j is a usage error", async (words, message) => {
  const { code, stderr } = await command("quantize", ...words);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
