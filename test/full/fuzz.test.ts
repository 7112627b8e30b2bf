import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../built.js";

const script = fileURLToPath(new URL("scripts/fuzz.mjs", root));

test.each(["safetensors", "torch", "zip", "json", "png"])(
  "%s: 60 s of changed inputs are read rightly or refused by a typed error, within their bounds",
  async (reader) => {
    const seed = `${Math.floor(Date.now() / 1000)}`;
    const args = [script, "--reader", reader, "--seconds", "60", "--seed", seed];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) });
    console.log(stdout.trim());
    expect(stdout).toMatch(/; 0 problems$/m);
  },
  300_000,
);
