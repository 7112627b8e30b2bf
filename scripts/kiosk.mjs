// Builds the kiosk and serves it: npm run kiosk -- [--port N] [--host ADDRESS] [--no-open] [--build-only]
import { createHash } from "node:crypto";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { besides, copyLibrary, libraryFiles, offer, root, sha256, strict } from "./site.mjs";

const source = join(root, "examples/kiosk");

/** Into `folder`, which is emptied first. */
export async function buildKiosk(folder = join(source, "dist")) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyLibrary(join(folder, "lib"));
  const pages = ["index.html", "base.css", "style.css", "icon.svg", "manifest.webmanifest"];
  for (const name of pages) await copyFile(join(source, name), join(folder, name));
  const model = "lib/cifar110-resnet20x2.int8.safetensors";
  const shared = { bundle: true, format: "esm", target: "es2022", minify: true, logLevel: "warning" };
  await build({
    ...shared,
    entryPoints: [join(source, "app.ts")],
    outfile: join(folder, "app.js"),
    plugins: [besides("./lib/index.js")],
    define: { MODEL: JSON.stringify({ file: `./${model}`, sha256: await sha256(join(folder, model)) }) },
  });
  const files = [...pages, "app.js", ...(await libraryFiles()).map((name) => `lib/${name}`)];
  const hashes = await Promise.all(files.map((name) => sha256(join(folder, name))));
  const version = createHash("sha256").update(hashes.join()).digest("hex").slice(0, 16);
  await build({
    ...shared,
    entryPoints: [join(source, "service-worker.ts")],
    outfile: join(folder, "service-worker.js"),
    define: {
      FILES: JSON.stringify(["./", ...files.map((name) => `./${name}`)]),
      VERSION: JSON.stringify(version),
    },
  });
  return folder;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await offer(buildKiosk, strict);
