import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const root = new URL("../../", import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));

/** Installs the engines that are compared into this folder, not into the project. */
export function installPeers() {
  if (!existsSync(new URL("../../dist/cpu-relaxed.wasm", import.meta.url))) {
    run("npm", ["run", "build"], fileURLToPath(root));
  }
  if (!existsSync(new URL("./node_modules/onnxruntime-web", import.meta.url))) {
    run("npm", ["install", "--ignore-scripts"], here);
  }
}

/** Whole pipelines in browsers; their packages are large, and come only where they are asked for. */
export function installBrowserPeers() {
  const folder = new URL("./browser/", import.meta.url);
  if (existsSync(new URL("node_modules/@mediapipe", folder))) return;
  run("npm", ["install", "--ignore-scripts"], fileURLToPath(folder));
}

/** Bundles one of this folder's programs into out/, from where it finds the peers. */
export async function bundle(name, platform) {
  const outfile = fileURLToPath(new URL(`bench/peers/out/${name.replace(/\.m?[jt]s$/, ".js")}`, root));
  const external =
    platform === "node"
      ? ["onnxruntime-web", "onnxruntime-web/webgpu", "onnxruntime-node", "sharp", "webgpu"]
      : ["/peers/*"];
  await build({
    entryPoints: [here + name],
    bundle: true,
    format: "esm",
    platform,
    outfile,
    external,
    logLevel: "warning",
  });
  return outfile;
}

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
