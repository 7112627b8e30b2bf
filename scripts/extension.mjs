// Builds the extension's folder, and a zip of it: npm run extension
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";
import sharp from "sharp";
import { besides, libraryFiles, root } from "./site.mjs";

const source = join(root, "examples/extension");

/** Into `folder`, which is emptied first. */
export async function buildExtension(folder = join(source, "dist")) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "lib"), { recursive: true });
  // One thread in place, in the service worker: its entry in one file, and the modules without threads.
  const used = (await libraryFiles()).filter((name) =>
    /^service-worker\.js$|(baseline|relaxed)\.wasm$|tensors$/.test(name),
  );
  for (const name of used) await copyFile(join(root, "dist", name), join(folder, "lib", name));
  for (const name of ["manifest.json", "popup.html", "popup.css"])
    await copyFile(join(source, name), join(folder, name));
  for (const size of [16, 48, 128]) {
    await sharp(join(source, "icon.svg"), { density: 300 })
      .resize(size)
      .png()
      .toFile(join(folder, `icon-${size}.png`));
  }
  await build({
    entryPoints: [join(source, "background.ts"), join(source, "popup.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    plugins: [besides("./lib/service-worker.js")],
    logLevel: "warning",
  });
  return folder;
}

async function zip(folder) {
  const files = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length + 1).replaceAll("\\", "/")] = new Uint8Array(await readFile(path));
  }
  return zipSync(files, { level: 9 });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const folder = await buildExtension();
  const bytes = await zip(folder);
  await writeFile(`${folder}.zip`, bytes);
  console.log(`${folder}\n${folder}.zip, ${(bytes.length / 1e6).toFixed(2)} MB`);
}
