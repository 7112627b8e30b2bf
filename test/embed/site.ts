import { createReadStream, existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { root } from "../built.js";

const types: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:";

/** A built recipe on a static host: strict policy, isolated, with a picture; remembers what it sent. */
export async function host(folder: string) {
  const sent = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const photo = pathname === "/photo.jpg" ? fileURLToPath(new URL("examples/photos/cat.jpg", root)) : null;
    const file = photo ?? join(folder, pathname === "/" ? "index.html" : pathname);
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    if (!photo) sent.add(file);
    response.writeHead(200, {
      "content-type": types[extname(file)] ?? "application/octet-stream",
      "content-security-policy": policy,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Scripts and kernels that the page has loaded, gzip; the model and the page itself apart. */
    async bytes(): Promise<number> {
      let sum = 0;
      for (const file of sent) if (/\.(js|wasm)$/.test(file)) sum += gzipSync(await readFile(file)).length;
      return sum;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
