import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../built.js";

const types: Record<string, string> = {
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".png": "image/png",
};

/** The policy that the library promises to run under. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; report-uri /reports";

export interface Site {
  readonly origin: string;
  /** Bodies of the CSP reports that came in. */
  readonly reports: string[];
  close(): void;
}

/** The checkout over HTTP on this machine, under the strict policy; with cross-origin isolation where asked for. */
export async function serve(options: {
  isolated: boolean;
  /** More files, by their paths; null is one that is missing. */
  files?: Readonly<Record<string, Uint8Array | null>>;
}): Promise<Site> {
  const reports: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    if (pathname === "/reports") {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        reports.push(body);
        response.end();
      });
      return;
    }
    response.setHeader("content-security-policy", policy);
    if (options.isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    if (pathname === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><title>test</title><script type="module" src="/library.js"></script>');
      return;
    }
    if (pathname === "/library.js") {
      response.setHeader("content-type", "text/javascript");
      response.end('import * as library from "/dist/index.js"; globalThis.resnetEdge = library;');
      return;
    }
    const given = options.files?.[pathname];
    if (given) {
      response.setHeader("content-type", types[extname(pathname)] ?? "application/octet-stream");
      response.setHeader("content-length", given.length);
      response.end(given);
      return;
    }
    const file = fileURLToPath(new URL(`.${pathname}`, root));
    if (given === null || !existsSync(file) || !statSync(file).isFile()) {
      response.statusCode = 404;
      response.end("no");
      return;
    }
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reports,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
