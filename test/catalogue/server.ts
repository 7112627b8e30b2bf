import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server does with one request; the file's bytes are `body`. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export interface Misbehaving {
  readonly origin: string;
  /** Of each request for the file: its Range header, or null. */
  readonly ranges: (string | null)[];
  close(): void;
}

/** Serves one file by `behaviours`, one a request; the last one goes on. */
export async function misbehave(body: Buffer, ...behaviours: Behaviour[]): Promise<Misbehaving> {
  const ranges: (string | null)[] = [];
  const server = createServer((request, response) => {
    const behaviour = behaviours[Math.min(ranges.length, behaviours.length - 1)]!;
    ranges.push(request.headers.range ?? null);
    behaviour(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const tagOf = (body: Buffer) => `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;

/** As servers should: ranges, tags, lengths. */
export const good: Behaviour = (request, response, body) => {
  const etag = tagOf(body);
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? -1);
  const fresh = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  if (start >= body.length && fresh) {
    response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
    return;
  }
  if (start >= 0 && fresh) {
    const range = `bytes ${start}-${body.length - 1}/${body.length}`;
    response.writeHead(206, { etag, "content-range": range, "content-length": body.length - start });
    response.end(body.subarray(start));
    return;
  }
  response.writeHead(200, { etag, "content-length": body.length }).end(body);
};

/** Half of what was asked for, and then silence of a closed connection. */
export const cut: Behaviour = (request, response, body) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const half = start + Math.ceil((body.length - start) / 2);
  const range = start ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {};
  response.writeHead(start ? 206 : 200, { etag: tagOf(body), "content-length": body.length - start, ...range });
  response.write(body.subarray(start, half), () => setTimeout(() => response.destroy(), 150));
};
