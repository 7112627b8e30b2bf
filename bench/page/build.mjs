// Builds the page into dist/ beside it, with kernels from the same sources as its script.
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const root = new URL("../../", import.meta.url);
const here = new URL("./", import.meta.url);
export const folder = new URL("dist/", here);

const path = (url) => fileURLToPath(url);
const changed = async (url) => (await stat(url).catch(() => ({ mtimeMs: 0 }))).mtimeMs;

async function kernels() {
  const sources = await readdir(new URL("assembly/", root), { recursive: true });
  const newest = Math.max(...(await Promise.all(sources.map((name) => changed(new URL(`assembly/${name}`, root))))));
  const compile = async (target) => {
    const file = new URL(`cpu-${target}.wasm`, folder);
    if ((await changed(file)) > newest) return;
    const asc = path(new URL("node_modules/assemblyscript/bin/asc.js", root));
    const words = [asc, "--target", target, "--outFile", path(file)];
    await promisify(execFile)(process.execPath, words, { cwd: path(root) });
  };
  await Promise.all(["baseline", "relaxed", "baseline-threads", "relaxed-threads"].map(compile));
}

export async function buildPage() {
  await mkdir(new URL("photos/", folder), { recursive: true });
  const { version } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  await Promise.all([
    kernels(),
    build({
      entryPoints: {
        page: path(new URL("page.ts", here)),
        worker: path(new URL("worker.ts", here)),
        thread: path(new URL("src/cpu/threads/thread-web.ts", root)),
        "roof-thread": path(new URL("src/bench/roof-thread-web.ts", root)),
      },
      outdir: path(folder),
      bundle: true,
      format: "esm",
      target: "es2022",
      minify: true,
      define: { VERSION: JSON.stringify(version) },
      logLevel: "warning",
    }),
    ...["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"].map((name) =>
      copyFile(new URL(`examples/photos/${name}`, root), new URL(`photos/${name}`, folder)),
    ),
    ...["index.html", "style.css", "icon.svg"].map((name) => copyFile(new URL(name, here), new URL(name, folder))),
  ]);
}
