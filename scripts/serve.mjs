// A static server for a folder that was built here: the kiosk's, the bench page's. It answers any request and serves nothing else.
import { lstat, readdir, realpath } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import serveStatic from "serve-static";

/** Whoever sends a request slowly has this long for its head, and for all of it. */
const HEAD_MS = 5_000;
const REQUEST_MS = 10_000;
/** Whoever reads an answer may be silent for so long. */
const SILENCE_MS = 30_000;
/** More connections at once are closed unheard: each of them costs memory. */
const MOST_CONNECTIONS = 256;
/** A browser's report of what a policy stopped takes some hundred bytes. */
const MOST_REPORT_BYTES = 16 << 10;
const MOST_REPORTS = 100;

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** As a host to listen on: every interface. */
export const EVERYWHERE = "0.0.0.0";

/** This machine's IPv4 addresses on its networks. */
export function networkAddresses() {
  return Object.values(networkInterfaces())
    .flat()
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

/**
 * Serves `folder` on the loopback interface, or on `host`. Requests must name one of `names` (or the loopback's, or `host`) in
 * their Host header: a page elsewhere whose name was pointed at this machine reads nothing. `headers` go with every answer.
 * `onReport` hears, as one line of text, of what a page's policy stopped. Rejects where the folder holds symbolic links, which
 * may lead out of it, and where the port is taken.
 */
export async function serve({
  folder,
  port,
  host = "127.0.0.1",
  names = [],
  headers = {},
  tls = null,
  onReport = null,
}) {
  const root = await realpath(folder);
  await refuseLinks(root);
  const known = new Set([...loopback, host, ...names, ...(host === EVERYWHERE ? networkAddresses() : [])]);
  const files = serveStatic(root, {
    dotfiles: "ignore",
    redirect: false,
    cacheControl: false,
    setHeaders: (response) => response.setHeader("cache-control", "no-cache"),
  });
  const all = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    ...headers,
  };
  let reports = 0;

  const answer = (request, response) => {
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    // A body that nobody reads would keep its connection busy for as long as it goes on.
    response.once("finish", () => request.complete || request.destroy());
    const say = (status, text) => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      response.end(`${text}\n`);
    };
    if (!known.has(nameIn(request.headers.host))) return say(421, "This server does not go by that name.");
    if (onReport && request.method === "POST" && request.url === "/csp-reports") {
      readReport(request, (text) => {
        if (text === null) return say(413, "A report has fewer bytes.");
        reports++;
        if (reports <= MOST_REPORTS) onReport(plain(text));
        if (reports === MOST_REPORTS) onReport("further reports are not shown");
        say(200, "Heard.");
      });
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return say(405, "Only files can be asked for here.");
    }
    files(request, response, (error) => {
      if (response.headersSent) response.destroy();
      else if (error && error.statusCode !== 404) say(error.statusCode ?? 400, "That is no proper request.");
      else say(404, "There is no such file.");
    });
  };

  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000 };
  const guarded = (request, response) => {
    try {
      answer(request, response);
    } catch {
      // A target that is no address, say.
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  };
  const server = tls ? createHttpsServer({ ...tls, ...limits }, guarded) : createHttpServer(limits, guarded);
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(SILENCE_MS);
  // What is no HTTP at all.
  server.on("clientError", (_, socket) => socket.destroy());
  server.on("tlsClientError", (_, socket) => socket.destroy());
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: server.address().port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A Host header's name, without the port. */
function nameIn(header = "") {
  return header.replace(/:\d+$/, "").toLowerCase();
}

/** What is not plain ASCII is written out: a report comes from anybody, and goes to a terminal. */
const plain = (text) =>
  text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** `heard` gets the text, or null where it is too long. */
function readReport(request, heard) {
  const pieces = [];
  let bytes = 0;
  request.on("data", (piece) => {
    bytes += piece.length;
    if (bytes <= MOST_REPORT_BYTES) pieces.push(piece);
    else if (bytes - piece.length <= MOST_REPORT_BYTES) heard(null);
  });
  request.on("end", () => {
    if (bytes <= MOST_REPORT_BYTES) heard(Buffer.concat(pieces).toString());
  });
  request.on("error", () => {});
}

async function refuseLinks(root) {
  for (const name of await readdir(root, { recursive: true })) {
    if (!(await lstat(join(root, name))).isSymbolicLink()) continue;
    throw new Error(`${join(root, name)} is a symbolic link, which may lead out of the folder. Remove it.`);
  }
}
