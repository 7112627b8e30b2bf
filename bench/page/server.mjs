import { createReadStream, existsSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const types = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "report-uri /csp-reports",
].join("; ");

/** Serves the files of a folder, and none below it. `onReport` hears of whatever the policy has stopped. */
export async function serve({ folder, port, isolated, tls, onReport }) {
  const answer = (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/csp-reports") {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        onReport(body);
        response.end();
      });
      return;
    }
    response.setHeader("content-security-policy", policy);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("referrer-policy", "no-referrer");
    response.setHeader("cache-control", "no-cache");
    if (isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
      response.setHeader("cross-origin-resource-policy", "same-origin");
    }
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const file = fileURLToPath(new URL(name, folder));
    if (!/^\w[\w.-]*$/.test(name) || !existsSync(file)) {
      response.statusCode = 404;
      response.end("There is no such file.");
      return;
    }
    response.setHeader("content-type", types[extname(name)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  };
  const server = tls ? createHttpsServer(tls, answer) : createHttpServer(answer);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  return server.address().port;
}
