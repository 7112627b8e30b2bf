import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { CpuEngine } from "../../src/cpu/engine.js";
import { hasRelaxedSimd, type Variant } from "../../src/cpu/module.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import type { CpuOptions } from "../../src/cpu/options.js";
import type { Graph } from "../../src/graph/network.js";

const root = new URL("../../", import.meta.url);

/** The kernels that the build left in dist/. */
export async function wasm(variant: Variant): Promise<WebAssembly.Module> {
  const file = new URL(`dist/cpu-${variant}.wasm`, root);
  if (!existsSync(file)) execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: root });
  return WebAssembly.compile(readFileSync(file));
}

/** The modules that this engine can run; vitest.config.ts asks Node for relaxed SIMD. */
export const modules: readonly ("baseline" | "relaxed")[] = hasRelaxedSimd() ? ["baseline", "relaxed"] : ["baseline"];

export function engineFor<G extends Graph>(network: G, options: Partial<CpuOptions> = {}): Promise<CpuEngine<G>> {
  return createCpuEngine(network, { wasm, ...options });
}
