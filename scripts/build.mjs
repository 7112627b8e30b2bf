// Builds dist/: the kernels (AssemblyScript), the bundles (esbuild) and the type declarations.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { build } from "esbuild";
import { minify } from "terser";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
// Built beside dist/ and put in its place at the end: nothing sees half a build.
const out = "dist-next";
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const targets = ["baseline", "relaxed", "baseline-threads", "relaxed-threads"];
async function kernels(target) {
  const { error, stderr } = await asc.main(["--target", target, "--outFile", `${out}/cpu-${target}.wasm`]);
  if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
}

/** Of the sources that decide how long an operation takes: part of the keys under which measurements are kept. */
async function kernelsVersion() {
  const hash = createHash("sha256");
  for (const folder of ["assembly", "src/cpu", "src/gpu"]) {
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if (name.endsWith(".ts")) hash.update(name).update(await readFile(`${folder}/${name}`));
    }
  }
  return hash.digest("hex").slice(0, 12);
}

const shared = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  keepNames: false,
  logLevel: "warning",
  define: { KERNELS_VERSION: JSON.stringify(await kernelsVersion()) },
};
/** A service worker starts no workers, so that what handles them is left out of its file. */
const withoutThreads = {
  name: "without threads",
  setup(build) {
    build.onLoad({ filter: /\/src\/(cpu\/threads\/team|worker\/handle\/web)\.ts$/ }, () => ({
      contents: "export const Team = null, webWorker = null;",
    }));
  },
};
const types = promisify(execFile)(process.execPath, [
  "node_modules/typescript/bin/tsc",
  ...["-p", "tsconfig.types.json", "--outDir", `${out}/types`],
]);
await Promise.all([
  ...targets.map(kernels),
  build({
    ...shared,
    // The page and its worker share most of their code; what they share is loaded by a static import.
    entryPoints: {
      index: "src/entry/index.ts",
      worker: "src/entry/web-worker.ts",
      thread: "src/cpu/threads/thread-web.ts",
    },
    outdir: out,
    platform: "browser",
    splitting: true,
    chunkNames: "shared-[hash]",
  }),
  build({
    ...shared,
    // Apart, so that a page without a bundler, which takes index.js, has fewer files to wait for.
    entryPoints: { page: "src/entry/page.ts" },
    outdir: out,
    platform: "browser",
    splitting: true,
    chunkNames: "shared-[hash]",
  }),
  build({
    ...shared,
    entryPoints: { "service-worker": "src/entry/service-worker.ts" },
    outdir: out,
    platform: "browser",
    plugins: [withoutThreads],
  }),
  build({
    ...shared,
    minify: false,
    entryPoints: {
      node: "src/entry/node.ts",
      cli: "src/cli/index.ts",
      "node-worker": "src/entry/node-worker.ts",
      "node-thread": "src/cpu/threads/thread-node.ts",
      "node-decoder": "src/image/node-decoder.ts",
    },
    outdir: out,
    platform: "node",
    target: "node20",
    packages: "external",
    splitting: true,
    chunkNames: "chunk-[hash]",
  }),
  copyFile("models/cifar10-resnet20.safetensors", `${out}/cifar10-resnet20.safetensors`),
  types,
]);

// A second minifier, for what pages load: a thirtieth less over the wire.
const paged = (await readdir(out)).filter((name) =>
  /^(index|page|service-worker|worker|thread|shared-.*)\.js$/.test(name),
);
await Promise.all(
  paged.map(async (name) => {
    const { code } = await minify(await readFile(`${out}/${name}`, "utf8"), {
      ...{ module: true, ecma: 2022 },
      compress: { passes: 3 },
    });
    await writeFile(`${out}/${name}`, code);
  }),
);

await rm("dist", { recursive: true, force: true });
await rename(out, "dist");
for (const name of (await readdir("dist")).sort()) {
  if (!/\.(js|wasm)$/.test(name)) continue;
  const bytes = await readFile(`dist/${name}`);
  console.log(
    `${name.padEnd(28)} ${(bytes.length / 1024).toFixed(1).padStart(7)} KB  ${(gzipSync(bytes).length / 1024).toFixed(1).padStart(6)} KB gzip`,
  );
}
