// npm run test:arm [-- FILE...]: kernels and networks against their references on a 64-bit ARM processor, as qemu emulates it.
// Wants Debian's qemu-user, libc6-arm64-cross, libstdc++6-arm64-cross and libatomic1-arm64-cross; Node for ARM comes from npm.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../bundle.mjs";
import { installHosts, modules } from "../install.mjs";

/** Files, which of their tests, and how many a process, where not `PART`: those that stop threads on purpose or watch calls belong to Vitest. */
const files = [
  ["test/cpu/operations.test.ts"],
  ["test/cpu/group.test.ts"],
  ["test/cpu/image.test.ts"],
  ["test/cpu/guard.test.ts"],
  ["test/cpu/networks.test.ts"],
  ["test/cpu/kernels.test.ts"],
  ["test/cpu/stacked.test.ts"],
  // One setup a process: each makes hundreds of memories.
  ["test/int8/node.test.ts", undefined, 1],
  ["test/worker/threads.test.ts", "many threads give what one gives"],
];

/** Tests a process: under emulation, memories of tests that are over are not let go. */
const PART = 50;
/** Bounds are checked by code, not by guard pages of gigabytes, which cost an emulator a quarter of a second a memory. */
const flags = ["--disable-wasm-trap-handler"];

/** Of the last line of its output; null where it ended before. */
function run(script, only, from, part) {
  const node = join(modules, "node-arm64/bin/node");
  const env = { ...process.env, QEMU_LD_PREFIX: process.env.QEMU_LD_PREFIX ?? "/usr/aarch64-linux-gnu" };
  Object.assign(env, { PART: part, FROM: from, ...(only && { ONLY: only }) });
  return new Promise((resolve) => {
    const child = spawn("qemu-aarch64", ["-cpu", "max", node, ...flags, script], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (piece) => {
      text += piece;
    });
    child.on("error", () => resolve(null));
    child.on("close", (code, signal) => {
      const lines = text.trim().split("\n");
      const last = lines.pop();
      if (lines.length > 0) console.log(lines.join("\n"));
      try {
        resolve(JSON.parse(last));
      } catch {
        console.log(last, signal ?? code);
        resolve(null);
      }
    });
  });
}

if (!["/usr/bin/qemu-aarch64", "/usr/local/bin/qemu-aarch64"].some((it) => existsSync(it))) {
  console.error(
    "No qemu-aarch64: install Debian's qemu-user and libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross.",
  );
  process.exit(1);
}
installHosts();
const named = process.argv.slice(2);
const out = await mkdtemp(join(tmpdir(), "arm-"));
const sum = { passed: 0, failed: 0 };
let broken = false;
for (const [file, only, part = PART] of files) {
  if (named.length > 0 && !named.some((it) => file.includes(it))) continue;
  const start = performance.now();
  const script = join(out, `${file.replaceAll("/", "-")}.mjs`);
  await bundle(file, script);
  const own = { passed: 0, failed: 0 };
  let ended = true;
  for (let from = 0, all = 1; from < all; from += part) {
    const found = await run(script, only, from, part);
    ended = found !== null && found.all > 0;
    if (!ended) break;
    all = found.all;
    own.passed += found.passed;
    own.failed += found.failed;
  }
  broken ||= !ended;
  sum.passed += own.passed;
  sum.failed += own.failed;
  const counts = `${own.passed} passed, ${own.failed} failed${ended ? "" : ", did not end"}`;
  console.log(`${file.padEnd(32)} ${counts}  ${Math.round((performance.now() - start) / 1000)} s`);
}
await rm(out, { recursive: true });
console.log(`ARM, both modules: ${sum.passed} passed, ${sum.failed} failed`);
process.exit(broken || sum.failed > 0 ? 1 : 0);
