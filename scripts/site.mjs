// What the examples' builds share: the library's files for a page, and a server for a folder with the headers that it needs.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** What a page can load of dist/: not Node's part. */
export async function libraryFiles() {
  const names = await readdir(join(root, "dist")).catch(() => []);
  if (!names.includes("index.js")) throw new Error("There is no dist/: run npm install, or npm run build.");
  return names
    .filter((it) => /^(index|page|service-worker|worker|thread|shared-.*)\.js$|\.wasm$|\.safetensors$/.test(it))
    .sort();
}

export async function copyLibrary(folder) {
  await mkdir(folder, { recursive: true });
  for (const name of await libraryFiles()) await copyFile(join(root, "dist", name), join(folder, name));
}

/** For esbuild: `resnet-edge` is the copy at `address`, beside the bundle, not in it. */
export const besides = (address) => ({
  name: "library beside the bundle",
  setup(build) {
    build.onResolve({ filter: /^resnet-edge$/ }, () => ({ path: address, external: true }));
  },
});

export const sha256 = async (file) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

const types = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Serves a folder with cross-origin isolation and a strict policy. */
export async function serveFolder(folder, port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = join(folder, decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
    const headers = {
      "content-security-policy":
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; object-src 'none'; base-uri 'none'",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "x-content-type-options": "nosniff",
    };
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, headers).end("There is no such file.");
      return;
    }
    const type = types[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...headers, "content-type": type, "content-length": statSync(file).size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
