import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { buildNetwork, modelCard } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { command } from "../cli/command.js";

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-convert-"));
afterAll(() => rmSync(folder, { recursive: true }));
const family = fileURLToPath(new URL("../fixtures/families/mobilenet-v2-torchvision.safetensors", import.meta.url));

test("safetensors, and ONNX, with what is known of the model", async () => {
  const output = join(folder, "model.safetensors");
  const first = await command("convert", family, "--output", output, "--input-size", "48", "--json");
  expect(first.stderr).toBe("");
  expect(JSON.parse(first.stdout)).toMatchObject({
    file: output,
    format: "safetensors",
    bytes: readFileSync(output).length,
  });
  const state = readSafetensors(readFileSync(output), output);
  expect(buildNetwork(state).architecture.name).toBe("mobilenet_v2");
  expect(modelCard(state)).toMatchObject({
    preprocess: { crop: 48 },
    architecture: { activation: "relu6", padding: "symmetric" },
  });
  const onnx = join(folder, "model.ONNX");
  const second = await command("convert", output, "--output", onnx);
  expect(second.stdout).toMatch(/model\.ONNX: mobilenet_v2, \d+ operations, 0\.1 MB/);
  expect(readFileSync(onnx, "latin1")).toContain("resnet-edge");
});

test.each([
  [["convert"], /convert takes one model/],
  [["convert", "a", "b"], /convert takes one model/],
  [["convert", family], /needs --output FILE\.safetensors or FILE\.onnx\./],
  [["convert", family, "--output", "model.pth"], /"model\.pth" is neither/],
  [["convert", family, "--output", "model.onnx", "--threads", "2"], /convert takes no --threads/],
])("%j is misused", async (words, message) => {
  const { code, stderr } = await command(...words);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
