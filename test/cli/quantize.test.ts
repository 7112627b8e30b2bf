import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../built.js";
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

test("--dtype f16 needs no pictures, and says how many bytes are left", async () => {
  const output = join(folder, "half.safetensors");
  const result = await command("quantize", model, "--output", output, "--dtype", "f16");
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toMatch(/f16, .* MB, 0\.\d+ of f32's/);
  const weights = await command("quantize", model, "--output", output, "--dtype", "int8-weights", "--json");
  expect(JSON.parse(weights.stdout).dtype).toBe("int8-weights");
  expect((await command("inspect", output)).stdout).toMatch(/classes/);
}, 120_000);

test.each([
  [[], /takes one model/],
  [[model], /needs --output/],
  [[model, "--output", "x"], /needs --images/],
  [[model, "--output", "x", "--dtype", "int4"], /one of int8, int8-weights, f16, bf16/],
  [[model, "--output", "x", "--images", images, "--calibration", "0"], /whole number from 1/],
])("%j is a usage error", async (words, message) => {
  const { code, stderr } = await command("quantize", ...words);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
