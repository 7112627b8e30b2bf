// A static site on the loopback interface, as a host of the library has it.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const photo = join(root, "examples/photos/cat.jpg");

/** Serves what `files` says lies at a path: a file's path, bytes or null; `headers` go with every answer, or as a path has them. */
export async function site(files, headers = {}) {
  const types = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const own = typeof headers === "function" ? headers(pathname) : headers;
    const file = files(pathname);
    const body = typeof file === "string" ? await readFile(file).catch(() => null) : file;
    if (!body) return response.writeHead(404, own).end();
    const type = types[pathname === "/" ? "html" : pathname.split(".").at(-1)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, ...own }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: server.address().port, close };
}

/** The library and the photograph. */
export const shared = (pathname) => {
  if (pathname === "/photo.jpg") return photo;
  return pathname.startsWith("/resnet-edge/") ? join(root, "dist", pathname.slice(13)) : null;
};
