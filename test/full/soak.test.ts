import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { root } from "../built.js";

test("a minute of loads, calls, aborts, kills and closes: right answers, flat memory", {
  timeout: 300_000,
}, async () => {
  const script = fileURLToPath(new URL("scripts/soak.mjs", root));
  const child = spawn(process.execPath, [script, "--seconds", "60", "--seed", String(Date.now() % 1000)]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      said += text;
    });
  }
  const code = await new Promise((resolve) => child.on("close", resolve));
  console.log(said);
  expect(said).toMatch(/no faults\n$/);
  expect(code).toBe(0);
});
