// Builds the playground and the docs beside it, one static site for any host: npm run site -- [--port N] [--no-open] [--build-only]
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, transform } from "esbuild";
import { writeDocs } from "./docs-pages.mjs";
import { besides, copyLibrary, libraryFiles, offer, root, sha256 } from "./site.mjs";

const source = join(root, "examples/playground");
const photos = join(root, "examples/photos");
const titles = { "cat.jpg": "Cat", "coffee.jpg": "Cup of coffee", "horse.png": "Horse", "rocket.jpg": "Rocket" };

/** In a module of the library, minified: which others it imports at once, which ones later, and what it exports. */
const IMPORTS = /(?:from|import)"\.\/([\w-]+\.js)"/g;
const LATER = /import\("\.\/([\w-]+\.js)"\)/g;
const EXPORTS = /export\{[^}]*\}/;
/** Exported by the modules that a model of integers takes, as the bundled one is. */
const INTEGERS = /\b(withIntegers|openIntegers)\b/;

/** Links to the modules that the first answer takes: asked for together, and not each when the one before it has come. */
async function preloads(lib) {
  const wanted = new Set(["index.js", "worker.js"]);
  for (const name of wanted) {
    const code = await readFile(join(lib, name), "utf8");
    for (const [, next] of code.matchAll(IMPORTS)) wanted.add(next);
    for (const [, next] of code.matchAll(LATER)) {
      const exported = (await readFile(join(lib, next), "utf8").catch(() => "")).match(EXPORTS)?.[0] ?? "";
      if (INTEGERS.test(exported)) wanted.add(next);
    }
  }
  return [...wanted].map((name) => `<link rel="modulepreload" href="lib/${name}" />`).join("\n    ");
}

const STYLES = /(?:<link rel="stylesheet" href="[^"]+" \/>\s*)+/;

/** The page with its styles in it: they would be asked for when the page has come, and nothing is drawn before they have. */
async function inlineStyles(html, folder) {
  const names = [...html.match(STYLES)[0].matchAll(/href="([^"]+)"/g)].map(([, name]) => name);
  const css = (await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).join("\n");
  const style = (await transform(css, { loader: "css", minify: true })).code.trim();
  const hash = createHash("sha256").update(style).digest("base64");
  return html
    .replace(STYLES, () => `<style>${style}</style>\n    `)
    .replace("script-src", `style-src 'self' 'sha256-${hash}'; script-src`);
}

/** Into `folder`, which is emptied first. */
export async function buildPlayground(folder = join(source, "dist")) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "samples"), { recursive: true });
  await copyLibrary(join(folder, "lib"));
  const pages = ["index.html", "style.css", "icon.svg", "manifest.webmanifest"];
  for (const name of pages) await copyFile(join(source, name), join(folder, name));
  await copyFile(join(root, "examples/kiosk/base.css"), join(folder, "base.css"));
  const page = join(folder, "index.html");
  const html = (await readFile(page, "utf8")).replace("<!-- preloads -->", await preloads(join(folder, "lib")));
  await writeFile(page, await inlineStyles(html, folder));
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
