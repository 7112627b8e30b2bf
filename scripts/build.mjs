// Builds dist/: the kernels (AssemblyScript), the bundles (Rolldown for pages, esbuild for Node) and the type declarations. Where dist/ is
// of these very sources it stays: npm install, npx and npm test each ask for a build. --force builds all the same. Modules of kernels are
// kept in .cache/, under a hash of their sources.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { build } from "esbuild";
import { rolldown } from "rolldown";
import { minify as minifySyntax } from "rolldown/utils";
import { minify } from "terser";
import { orderFunctions } from "./order-functions.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** What a build reads. */
const everything = [
  ...["src", "assembly", "scripts", "asconfig.json", "asconfig.apart.json", "tsconfig.json", "tsconfig.types.json"],
  ...["package.json", "package-lock.json", "models/cifar110-resnet20x2.int8.safetensors"],
];

/** A hash of these files, and of all in these folders. */
async function sourcesVersion(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder
      ? (await readdir(path, { recursive: true, withFileTypes: true })).filter((it) => it.isFile())
      : [];
    const files = isFolder ? names.map(({ parentPath, name }) => `${parentPath}/${name}`).sort() : [path];
    for (const file of files) hash.update(`${file}\n`).update(await readFile(file));
  }
  return hash.digest("hex");
}

const sources = await sourcesVersion(everything);
/** Which sources dist/ was built of. */
const mark = "dist/.sources";
if (!process.argv.includes("--force") && (await readFile(mark, "utf8").catch(() => "")) === sources) {
  console.log("dist/ is of these sources already (npm run build -- --force builds it again)");
  process.exit();
}

// Built beside dist/ and put in its place at the end: nothing sees half a build.
const out = "dist-next";
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const variants = ["baseline", "relaxed", "baseline-threads", "relaxed-threads"];
const targets = ["", "int8-", "extended-", "int8-extended-"].flatMap((kind) =>
  variants.map((name) => `${kind}${name}`),
);
/** Modules of these very sources that an earlier build made. */
const kept = `.cache/kernels-${await sourcesVersion(["assembly", "asconfig.json", "asconfig.apart.json", "package-lock.json", "scripts/order-functions.mjs"])}`;

/** `file` as AssemblyScript makes it, or as it did before. */
async function module(file, ...options) {
  if (!(await stat(`${kept}/${file}`).catch(() => null))) {
    const { error, stderr } = await asc.main([...options, "--outFile", `${out}/${file}`]);
    if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
    await mkdir(kept, { recursive: true });
    // Written under another name first: a build that is stopped leaves no half of a file.
    await writeFile(`${kept}/${file}.tmp`, orderFunctions(await readFile(`${out}/${file}`)));
    await rename(`${kept}/${file}.tmp`, `${kept}/${file}`);
  }
  await writeFile(`${out}/${file}`, padded(await readFile(`${kept}/${file}`)));
}

/** Files of fewer bytes Vite puts into scripts, as data: addresses that a page under a strict policy may not fetch. */
const LEAST_BYTES = 4096;

/** A module of at least so many bytes: with a section of zeros that means nothing. */
function padded(bytes) {
  const missing = Math.max(0, LEAST_BYTES - bytes.length);
  if (missing === 0) return bytes;
  // A custom section: its length in two bytes of seven bits each, and a name of one letter.
  const section = [0, 0x80 | (missing & 0x7f), missing >> 7, 1, 0x70];
  return Buffer.concat([bytes, Buffer.from(section), Buffer.alloc(missing - 2)]);
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

const { version } = JSON.parse(await readFile("package.json", "utf8"));
const define = {
  KERNELS_VERSION: JSON.stringify(await kernelsVersion()),
  PACKAGE_VERSION: JSON.stringify(version),
};
/** What a service worker's file has in place of operations beside the plain ResNets'. */
const noExtended = `import { UnsupportedModelError } from "../../errors.js";
  const refuse = () => {
    throw new UnsupportedModelError("A service worker has the kernels of plain ResNets alone: load this network in a page or a worker.");
  };
  export { refuse as lowerExtended, refuse as assertExtended };`;

/** And in place of the reader of ONNX. */
const noOnnx = `import { UnsupportedModelError } from "../../errors.js";
  export async function readOther(_, origin) {
    throw new UnsupportedModelError(origin + " is an ONNX file, which a service worker does not read: load it in a page or a worker.");
  }`;

/**
 * A service worker starts no workers, has no video frames, and runs plain ResNets in float alone: what does the rest is left out of
 * its file, and so are labels.
 */
const oneFile = {
  name: "one file",
  load(id) {
    if (/\/src\/entry\/imagenet\.ts$/.test(id)) {
      return `import { OptionError } from "../errors.js";
        export async function labels() {
          throw new OptionError('A service worker has no list of labels in it: give labels, 1,000 names.');
        }`;
    }
    if (/\/src\/cpu\/extended\/open\.ts$/.test(id)) return noExtended;
    if (/\/src\/model\/onnx\/index\.ts$/.test(id)) return noOnnx;
    if (/\/src\/watch\/watch\.ts$/.test(id)) return "export const watchFrames = null;";
    if (/\/src\/gpu\/extended\.ts$/.test(id)) return "export const extendedSteps = null;";
    // What integers are of other networks: it has none of those.
    if (/\/src\/graph\/stored\.ts$/.test(id)) return "export const withScalesIn = undefined;";
    if (/\/src\/model\/families\/build\.ts$/.test(id)) return "export const buildFamily = () => null;";
    return /\/src\/(cpu\/threads\/team|worker\/handle\/web|cpu\/int8\/open|gpu\/frames)\.ts$/.test(id)
      ? "export const Team = null, webWorker = null, openIntegers = null, Frames = null;"
      : null;
  },
};

/** Takes away the declarations that none of the package's entries reaches. */
async function keepReached(folder) {
  const { exports } = JSON.parse(await readFile("package.json", "utf8"));
  const named = JSON.stringify(exports).matchAll(/"\.\/dist\/types\/([^"]+)"/g);
  const reached = [...named].map(([, path]) => path);
  for (const path of reached) {
    const text = await readFile(`${folder}/${path}`, "utf8");
    for (const [, next] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)\.js"/g)) {
      const file = `${posix.join(posix.dirname(path), next)}.d.ts`;
      if (!reached.includes(file)) reached.push(file);
    }
  }
  const all = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll("\\", "/"));
  for (const name of all) if (name.endsWith(".d.ts") && !reached.includes(name)) await rm(`${folder}/${name}`);
}

/** Two minifiers, one after the other: together they leave less than either. */
async function minified(code, name) {
  const once = await minify(code, { module: true, ecma: 2022, compress: { passes: 3 } });
  const twice = await minifySyntax(name, once.code, {
    module: true,
    compress: { target: "es2022" },
    mangle: { toplevel: true },
    codegen: { removeWhitespace: true },
  });
  if (twice.errors.length > 0) throw new Error(`${name}: ${twice.errors[0].message}`);
  // Bundlers look for the addresses of files in plain quotes.
  return twice.code.replace(/\b(import|new URL)\(`([^`$]+)`/g, '$1("$2"');
}

/**
 * Bundles for pages. Of the chunks that every entry in `together` imports at once one is made, and one of those that an entry in
 * `apart` imports: less to send, and fewer files to wait for. What is imported later stays in chunks of its own.
 */
async function pages(input, { together = [], apart = [], plugins = [], codeSplitting = true }) {
  const bundle = await rolldown({
    input,
    platform: "browser",
    plugins,
    // A field that is only declared is assigned to before it is read.
    tsconfig: false,
    transform: { target: "es2022", define, typescript: { removeClassFieldsWithoutInitializer: true } },
    // Some code comes later in one bundle and at once in another.
    checks: { ineffectiveDynamicImport: false },
  });
  const output = {
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared-[hash].js",
    topLevelVar: true,
    comments: false,
    codeSplitting,
  };
  const chunks = (await bundle.generate(output)).output.filter(({ type }) => type === "chunk");
  /** Modules of the chunks that an entry imports at once. */
  const imported = (entry) => {
    const names = new Set([`${entry}.js`]);
    for (const name of names) for (const it of chunks.find((it) => it.fileName === name).imports) names.add(it);
    return new Set(chunks.filter((it) => !it.isEntry && names.has(it.fileName)).flatMap(({ moduleIds }) => moduleIds));
  };
  const common = together.map(imported);
  const small = apart.map(imported);
  const groups = [
    { name: "common", test: (id) => common.length > 0 && common.every((modules) => modules.has(id)) },
    // First, so that what the others depend on is not drawn to them.
    { name: "apart", priority: 1, test: (id) => small.some((modules) => modules.has(id)) },
  ];
  const { output: files } = await bundle.generate({ ...output, codeSplitting: codeSplitting && { groups } });
  await bundle.close();
  for (const { fileName, code } of files) await writeFile(`${out}/${fileName}`, await minified(code, fileName));
}

const types = promisify(execFile)(process.execPath, [
  "node_modules/typescript/bin/tsc",
  ...["-p", "tsconfig.types.json", "--outDir", `${out}/types`],
]);
await Promise.all([
  ...targets.map((target) => module(`cpu-${target}.wasm`, "--target", target)),
  // What resizes pictures is a module of its own, since a page's kernels come without pictures too; similarity search comes with its
  // first gallery.
  module("pixels.wasm", "assembly/pixels/pixels.ts", "--config", "asconfig.apart.json"),
  module("nearest.wasm", "assembly/nearest/nearest.ts", "--config", "asconfig.apart.json"),
  // The page and its worker share most of their code. A thread is kept small.
  pages(
    { index: "src/entry/index.ts", worker: "src/entry/web-worker.ts", thread: "src/cpu/threads/thread-web.ts" },
    { together: ["index", "worker"], apart: ["thread"] },
  ),
  // Apart, so that a page without a bundler, which takes index.js, has fewer files to wait for. Together: both have all that a page
  // without a worker needs, later.
  pages({ page: "src/entry/page.ts", teach: "src/entry/teach.ts" }, { together: ["page"] }),
  // Apart as well: what they share with a page's chunks would part those. From each other too: a chunk of the page would import
  // what lies in the worker's script, and start it there.
  pages({ quantize: "src/entry/quantize.ts" }, {}),
  pages({ "quantize-worker": "src/entry/quantize-web-worker.ts" }, {}),
  pages({ "service-worker": "src/entry/service-worker.ts" }, { plugins: [oneFile], codeSplitting: false }),
  build({
    bundle: true,
    format: "esm",
    logLevel: "warning",
    define,
    minifyWhitespace: true,
    minifySyntax: true,
    entryPoints: {
      node: "src/entry/node.ts",
      cli: "src/cli/index.ts",
      "cli-worker": "src/cli/archive/worker.ts",
      "roof-thread": "src/bench/roof-thread-node.ts",
      "node-worker": "src/entry/node-worker.ts",
      "teach-node": "src/entry/teach-node.ts",
      "quantize-node": "src/entry/quantize-node.ts",
      "quantize-node-worker": "src/entry/quantize-node-worker.ts",
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
  copyFile("models/cifar110-resnet20x2.int8.safetensors", `${out}/cifar110-resnet20x2.int8.safetensors`),
  types,
]);

await keepReached(`${out}/types`);
await writeFile(`${out}/.sources`, sources);
await rm("dist", { recursive: true, force: true });
await rename(out, "dist");
for (const name of (await readdir("dist")).sort()) {
  if (!/\.(js|wasm)$/.test(name)) continue;
  const bytes = await readFile(`dist/${name}`);
  console.log(
    `${name.padEnd(28)} ${(bytes.length / 1024).toFixed(1).padStart(7)} KB  ${(gzipSync(bytes).length / 1024).toFixed(1).padStart(6)} KB gzip`,
  );
}
