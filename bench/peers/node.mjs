// Installs the peers beside this file, bundles the comparison, runs it.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { bundle, installPeers, root } from "./prepare.mjs";

installPeers();
const file = await bundle("node.ts", "node");
const flags = process.argv.includes("relaxed") ? ["--experimental-wasm-relaxed-simd"] : [];
const { status } = spawnSync(process.execPath, [...flags, file, ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: fileURLToPath(root),
});
process.exitCode = status ?? 1;
