// Builds the kiosk and serves it: npm run kiosk -- [--port N] [--host ADDRESS] [--no-open] [--build-only]
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { besides, copyLibrary, libraryFiles, root, serveFolder, sha256 } from "./site.mjs";

const source = join(root, "examples/kiosk");

/** Into `folder`, which is emptied first. */
export async function buildKiosk(folder = join(source, "dist")) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyLibrary(join(folder, "lib"));
  const pages = ["index.html", "style.css", "icon.svg", "manifest.webmanifest"];
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      port: { type: "string", default: "8080" },
      host: { type: "string" },
      open: { type: "boolean", default: true },
      "build-only": { type: "boolean", default: false },
    },
  });
  const folder = await buildKiosk();
  console.log(`built ${folder}`);
  if (!values["build-only"]) {
    const { origin } = await serveFolder(folder, Number(values.port), values.host).catch((error) => {
      console.error(
        error.code === "EADDRINUSE" ? `Port ${values.port} is taken: name another with --port.` : error.message,
      );
      process.exit(1);
    });
    console.log(`serving ${origin}/ (Ctrl+C ends it)`);
    const opener = { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
    if (values.open) spawn(opener, [`${origin}/`], { stdio: "ignore", detached: true }).on("error", () => {});
  }
}
