// Builds the playground and the docs beside it, one static site for any host: npm run site -- [--port N] [--no-open] [--build-only]
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { writeDocs } from "./docs-pages.mjs";
import { besides, copyLibrary, libraryFiles, offer, root, sha256 } from "./site.mjs";

const source = join(root, "examples/playground");
const photos = join(root, "examples/photos");
const titles = { "cat.jpg": "Cat", "coffee.jpg": "Cup of coffee", "horse.png": "Horse", "rocket.jpg": "Rocket" };

/** Into `folder`, which is emptied first. */
export async function buildPlayground(folder = join(source, "dist")) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "samples"), { recursive: true });
  await copyLibrary(join(folder, "lib"));
  const pages = ["index.html", "style.css", "icon.svg", "manifest.webmanifest"];
  for (const name of pages) await copyFile(join(source, name), join(folder, name));
  await copyFile(join(root, "examples/kiosk/base.css"), join(folder, "base.css"));
  const samples = (await readdir(photos)).filter((name) => name in titles).sort();
  for (const name of samples) await copyFile(join(photos, name), join(folder, "samples", name));
  const shared = { bundle: true, format: "esm", target: "es2022", minify: true, logLevel: "warning" };
  await build({
    ...shared,
    entryPoints: [join(source, "app.ts")],
    outfile: join(folder, "app.js"),
    plugins: [besides("./lib/index.js")],
    define: {
      SAMPLES: JSON.stringify(samples.map((file) => ({ file, name: titles[file] }))),
      MODEL: JSON.stringify("./lib/cifar110-resnet20x2.int8.safetensors"),
    },
  });
  const docs = await writeDocs(join(folder, "docs"));
  const files = [
    ...[
      ...pages,
      "base.css",
      "app.js",
      ...docs.map((name) => `docs/${name}`),
      ...samples.map((name) => `samples/${name}`),
    ],
    ...(await libraryFiles()).map((name) => `lib/${name}`),
  ];
  const hashes = await Promise.all(files.map((name) => sha256(join(folder, name))));
  const version = createHash("sha256").update(hashes.join()).digest("hex").slice(0, 16);
  await build({
    ...shared,
    entryPoints: [join(source, "service-worker.ts")],
    outfile: join(folder, "service-worker.js"),
    define: {
      FILES: JSON.stringify(["./", "./docs/", ...files.map((name) => `./${name}`)]),
      VERSION: JSON.stringify(version),
    },
  });
  return folder;
}

// Without headers, as a static host serves it.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await offer(buildPlayground);
