// What the examples' builds share: the library's files for a page, and a server for a folder with the headers that it needs.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { serve } from "./serve.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** What a page can load of dist/: not Node's part. */
export async function libraryFiles() {
  const names = await readdir(join(root, "dist")).catch(() => []);
  if (!names.includes("index.js")) throw new Error("There is no dist/: run npm install, or npm run build.");
  return names
    .filter((it) => /^(index|page|teach|service-worker|worker|thread|shared-.*)\.js$|\.wasm$|\.safetensors$/.test(it))
    .sort();
}

export async function copyLibrary(folder) {
  await mkdir(folder, { recursive: true });
  for (const name of await libraryFiles()) await copyFile(join(root, "dist", name), join(folder, name));
}

/** For esbuild: `resnet-edge` is the copy at `address`, beside the bundle, not in it; `resnet-edge/teach` lies beside that. */
export const besides = (address) => ({
  name: "library beside the bundle",
  setup(build) {
    build.onResolve({ filter: /^resnet-edge$/ }, () => ({ path: address, external: true }));
    const teach = address.replace(/[\w-]+\.js$/, "teach.js");
    build.onResolve({ filter: /^resnet-edge\/teach$/ }, () => ({ path: teach, external: true }));
  },
});

export const sha256 = async (file) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/** Cross-origin isolation, and a strict policy. */
export const strict = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** Serves a folder with cross-origin isolation and a strict policy, to this machine alone unless `host` says otherwise. */
export async function serveFolder(folder, port, host) {
  const { port: found, close } = await serve({ folder, port, host, headers: strict });
  return { origin: `http://127.0.0.1:${found}`, close };
}

/** The command of an example: builds it, serves it and opens a browser, by the arguments that the command was given. */
export async function offer(buildExample, headers = {}) {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      port: { type: "string", default: "8080" },
      host: { type: "string" },
      open: { type: "boolean", default: true },
      "build-only": { type: "boolean", default: false },
    },
  });
  const folder = await buildExample();
  console.log(`built ${folder}`);
  if (values["build-only"]) return;
  const { port } = await serve({ folder, port: Number(values.port), host: values.host, headers }).catch((error) => {
    console.error(
      error.code === "EADDRINUSE" ? `Port ${values.port} is taken: name another with --port.` : error.message,
    );
    process.exit(1);
  });
  const origin = `http://127.0.0.1:${port}`;
  console.log(`serving ${origin}/ (Ctrl+C ends it)`);
  const opener = { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
  if (values.open) spawn(opener, [`${origin}/`], { stdio: "ignore", detached: true }).on("error", () => {});
}
