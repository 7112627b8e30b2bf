// What the examples' builds share: the library's files for a page, and a server for a folder with the headers that it needs.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "./serve.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** What a page can load of dist/: not Node's part. */
export async function libraryFiles() {
  const names = await readdir(join(root, "dist")).catch(() => []);
  if (!names.includes("index.js")) throw new Error("There is no dist/: run npm install, or npm run build.");
  return names
    .filter((it) => /^(index|page|service-worker|worker|thread|shared-.*)\.js$|\.wasm$|\.safetensors$/.test(it))
    .sort();
}

export async function copyLibrary(folder) {
  await mkdir(folder, { recursive: true });
  for (const name of await libraryFiles()) await copyFile(join(root, "dist", name), join(folder, name));
}

/** For esbuild: `resnet-edge` is the copy at `address`, beside the bundle, not in it. */
export const besides = (address) => ({
  name: "library beside the bundle",
  setup(build) {
    build.onResolve({ filter: /^resnet-edge$/ }, () => ({ path: address, external: true }));
  },
});

export const sha256 = async (file) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

const headers = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** Serves a folder with cross-origin isolation and a strict policy, to this machine alone unless `host` says otherwise. */
export async function serveFolder(folder, port, host) {
  const { port: found, close } = await serve({ folder, port, host, headers });
  return { origin: `http://127.0.0.1:${found}`, close };
}
