import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { library, root } from "../built.js";
import { modules } from "../cpu/engine.js";

const SIZE = 64;
const python = ["/usr/bin/python3", "python3"].find((candidate) => {
  try {
    execFileSync(candidate, ["-c", "import torchvision"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
const reason = python ? "" : " (skipped: no Python with torchvision; install Debian's python3-torchvision)";
if (reason) console.log(`torchvision's ten${reason}`);

/** One network after the other, each deleted before the next is written: ten of them are 5 GB. */
test.skipIf(reason)(
  `torchvision's ten from PyTorch's .pth and safetensors: logits within 1e-4 of the largest${reason}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
    const script = fileURLToPath(new URL("scripts/fixtures/ten.py", root));
    const child = spawn(python!, [script, folder, `${SIZE}`], { stdio: ["pipe", "pipe", "inherit"] });
    const failures: string[] = [];
    let networks = 0;
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const { name, parameters, logits: expected } = JSON.parse(line);
        const input = new Float32Array(new Uint8Array(readFileSync(join(folder, "input.f32"))).buffer);
        const largest = Math.max(...expected.map(Math.abs));
        for (const extension of ["pth", "safetensors"]) {
          const path = join(folder, `${name}.${extension}`);
          for (const simd of modules) {
            const model = await library.loadModel(path, { inputSize: SIZE, simd, threads: 1 });
            const { logits } = await model.run(input);
            await model.close();
            const error = Math.max(...logits.map((logit, at) => Math.abs(logit - expected[at]))) / largest;
            console.log(`${name}.${extension}, ${parameters} parameters, ${simd}: ${error.toExponential(1)}`);
            if (!(error < 1e-4)) failures.push(`${name}.${extension} ${simd} ${error}`);
          }
          rmSync(path);
        }
        networks++;
        child.stdin.write("next\n");
      }
    } finally {
      child.kill();
      rmSync(folder, { recursive: true });
    }
    expect(existsSync(folder)).toBe(false);
    expect(failures).toEqual([]);
    expect(networks).toBe(10);
  },
  1_200_000,
);
