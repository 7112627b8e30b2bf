import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../built.js";
import { resnet18File } from "../worker/resnet18.js";

const script = (path: string) => `
  const { loadModel } = await import(${JSON.stringify(new URL("dist/node.js", root).href)});
  const model = await loadModel(${JSON.stringify(path)}, { threads: 1, device: "cpu", worker: false });
  const { logits } = await model.run(new Float32Array(3 * 224 * 224).fill(0.5));
  gc();
  await new Promise((resolve) => setTimeout(resolve, 100));
  gc();
  console.log(JSON.stringify({ bytes: process.memoryUsage().arrayBuffers, finite: logits.every(Number.isFinite) }));
  await model.close();
`;

test("of its file a session holds next to nothing once weights are packed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "held-"));
  try {
    const path = join(folder, "resnet18.safetensors");
    const file = resnet18File();
    writeFileSync(path, file);
    const args = ["--expose-gc", "--input-type=module", "-e", script(path)];
    const { bytes, finite } = JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
    expect(finite).toBe(true);
    expect(bytes).toBeLessThan(file.length / 10);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
