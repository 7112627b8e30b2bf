// Builds the extension's folders, for Chromium's browsers and for Firefox, and a zip of each: npm run extension
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";
import sharp from "sharp";
import { besides, libraryFiles, root } from "./site.mjs";

const source = join(root, "examples/extension");

/**
 * Firefox has no service workers for extensions: the same script runs in an event page. An extension there has an id of its own,
 * and says what data it collects: since 140, which is what is asked for.
 */
export function firefoxManifest({ minimum_chrome_version: _, background, ...manifest }) {
  return {
    ...manifest,
    background: { scripts: [background.service_worker], type: background.type },
    browser_specific_settings: {
      gecko: {
        id: "what-is-this-picture@resnet-edge.example",
        strict_min_version: "140.0",
        data_collection_permissions: { required: ["none"] },
      },
    },
  };
}

/** Into `folder`, which is emptied first. `browser`: "chromium" or "firefox". */
export async function buildExtension(folder = join(source, "dist"), browser = "chromium") {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "lib"), { recursive: true });
  // One thread in place, in the service worker: its entry in one file, and the modules without threads.
  const used = (await libraryFiles()).filter((name) =>
    /^service-worker\.js$|(baseline|relaxed)\.wasm$|tensors$/.test(name),
  );
  for (const name of used) await copyFile(join(root, "dist", name), join(folder, "lib", name));
  for (const name of ["popup.html", "popup.css", "options.html"])
    await copyFile(join(source, name), join(folder, name));
  const manifest = JSON.parse(await readFile(join(source, "manifest.json"), "utf8"));
  const own = browser === "firefox" ? firefoxManifest(manifest) : manifest;
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify(own, null, 2)}\n`);
  for (const size of [16, 48, 128]) {
    await sharp(join(source, "icon.svg"), { density: 300 })
      .resize(size)
      .png()
      .toFile(join(folder, `icon-${size}.png`));
  }
  await build({
    entryPoints: [join(source, "background.ts"), join(source, "popup.ts"), join(source, "options.ts")],
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
  for (const browser of ["chromium", "firefox"]) {
    const folder = await buildExtension(join(source, browser === "chromium" ? "dist" : "dist-firefox"), browser);
    const bytes = await zip(folder);
    await writeFile(`${folder}.zip`, bytes);
    console.log(`${browser}: ${folder}\n${folder}.zip, ${(bytes.length / 1e6).toFixed(2)} MB`);
  }
}
