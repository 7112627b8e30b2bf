import { gzipSync } from "node:zlib";
import { type Behaviour, cut, good, tagOf } from "./server.js";

/** A mirror that misbehaves: what it does with each request in turn, the last one again and again, and what a pull from it must say. */
export interface Mirror {
  readonly kind: string;
  readonly behaviours: readonly Behaviour[];
  /** Null: the right file must come all the same. */
  readonly error: { name: string; message: RegExp } | null;
}

const formatError = (message: RegExp) => ({ name: "ModelFormatError", message });
const gaveUp = { name: "SourceError", message: /broke off \d+ times in a row/ };

/** Bytes as fast as they are taken, without end. */
const pour = (response: Parameters<Behaviour>[1]) => {
  const piece = Buffer.alloc(1 << 20, 7);
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", more);
  more();
};

/** As if written by hand: what `http` would not send. */
const raw =
  (head: (body: Buffer) => string, tail: (body: Buffer) => Buffer = (body) => body): Behaviour =>
  (_, response, body) => {
    response.socket?.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${head(body)}\r\n\r\n`), tail(body)]));
  };

const partial =
  (range: (body: Buffer, from: number) => string): Behaviour =>
  (request, response, body) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(206, { etag: tagOf(body), "content-range": range(body, from) }).end(body.subarray(from));
  };
const redirect =
  (location: string): Behaviour =>
  (_, response) =>
    response.writeHead(302, { location }).end();
const status =
  (code: number, headers = {}): Behaviour =>
  (_, response) =>
    response.writeHead(code, headers).end();

export const mirrors: readonly Mirror[] = [
  {
    kind: "a length that is not the file's",
    behaviours: [(_, response) => response.writeHead(200, { "content-length": 7 }).end("no file")],
    error: formatError(/has 7 bytes/),
  },
  {
    kind: "no length, and no end",
    behaviours: [(_, response) => pour(response.writeHead(200))],
    error: formatError(/sends more/),
  },
  {
    kind: "the right length, and no end",
    behaviours: [
      raw(
        (body) => `200 OK\r\ncontent-length: ${body.length}`,
        (body) => Buffer.concat([body, body]),
      ),
    ],
    error: null,
  },
  {
    kind: "a few bytes a second",
    behaviours: [
      (_, response, body) => {
        response.writeHead(200, { "content-length": body.length });
        const timer = setInterval(() => response.write("x"), 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
    error: { name: "SourceError", message: /next to nothing/ },
  },
  {
    kind: "a redirect to itself",
    behaviours: [redirect("/a.pth")],
    error: { name: "SourceError", message: /redirects more/ },
  },
  {
    kind: "a redirect to a file",
    behaviours: [redirect("file:///etc/passwd")],
    error: { name: "SourceError", message: /not safe/ },
  },
  {
    kind: "a redirect to data",
    behaviours: [redirect("data:,bytes")],
    error: { name: "SourceError", message: /not safe/ },
  },
  { kind: "a redirect to nowhere", behaviours: [redirect("http://[")], error: gaveUp },
  {
    kind: "a web page",
    behaviours: [(_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Log in</h1>")],
    error: formatError(/web page/),
  },
  {
    kind: "another tag each time",
    behaviours: [
      cut,
      (request, response, body) => {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        const range = `bytes ${from}-${body.length - 1}/${body.length}`;
        response.writeHead(206, { etag: '"another"', "content-range": range }).end(body.subarray(from));
      },
      good,
    ],
    error: null,
  },
  {
    kind: "a part that begins elsewhere",
    behaviours: [cut, partial((body, from) => `bytes ${from - 9}-${body.length - 1}/${body.length}`), good],
    error: null,
  },
  { kind: "parts of nothing", behaviours: [partial(() => "bytes */0")], error: gaveUp },
  {
    kind: "a part at the right place, of other bytes",
    behaviours: [
      cut,
      (request, response, body) => {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        const range = `bytes ${from}-${body.length - 1}/${body.length}`;
        response.writeHead(206, { etag: tagOf(body), "content-range": range }).end(Buffer.alloc(body.length - from));
      },
    ],
    error: formatError(/SHA-256/),
  },
  {
    kind: "a part that goes on for ever",
    behaviours: [
      cut,
      (request, response, body) => {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        const range = `bytes ${from}-${body.length - 1}/${body.length}`;
        pour(response.writeHead(206, { etag: tagOf(body), "content-range": range }));
      },
    ],
    error: formatError(/sends more/),
  },
  {
    kind: "a gzip bomb",
    behaviours: [
      (_, response) =>
        response.writeHead(200, { "content-encoding": "gzip", "content-length": bomb().length }).end(bomb()),
    ],
    error: formatError(/sends more/),
  },
  {
    kind: "what is no gzip",
    behaviours: [(_, response, body) => response.writeHead(200, { "content-encoding": "gzip" }).end(body)],
    error: gaveUp,
  },
  {
    kind: "headers by the megabyte",
    behaviours: [raw((body) => `200 OK\r\nx-much: ${"a".repeat(4 << 20)}\r\ncontent-length: ${body.length}`)],
    error: gaveUp,
  },
  { kind: "resets", behaviours: [(_, response) => response.socket?.resetAndDestroy()], error: gaveUp },
  { kind: "no such range (416), always", behaviours: [status(416)], error: gaveUp },
  {
    kind: "no such range (416), and the file's length is said to be the part's",
    behaviours: [
      cut,
      (_, response, body) => response.writeHead(416, { "content-range": `bytes */${body.length / 2}` }).end(),
    ],
    error: formatError(/has \d+ bytes/),
  },
  { kind: "nothing new (304)", behaviours: [status(304)], error: { name: "SourceError", message: /answered 304/ } },
  { kind: "busy for a year", behaviours: [status(429), good], error: null },
  { kind: "a negative length", behaviours: [raw(() => "200 OK\r\ncontent-length: -1")], error: gaveUp },
  {
    kind: "a length beyond all numbers",
    behaviours: [raw(() => `200 OK\r\ncontent-length: ${"9".repeat(40)}`)],
    error: gaveUp,
  },
  {
    kind: "exabytes",
    behaviours: [raw(() => "200 OK\r\ncontent-length: 1000000000000000")],
    error: formatError(/has 1000000000000000 bytes/),
  },
  {
    kind: "a stated hash of other bytes",
    behaviours: [
      (request, response, body) =>
        request.url === "/b"
          ? good(request, response, body)
          : response.writeHead(302, { location: "/b", "x-linked-etag": `"${"1".repeat(64)}"` }).end(),
    ],
    error: formatError(/SHA-256/),
  },
  {
    kind: "half of the file, said to be all",
    behaviours: [(_, response, body) => response.writeHead(200).end(body.subarray(0, body.length / 2))],
    error: formatError(/has \d+ bytes/),
  },
  {
    kind: "chunks without a length",
    behaviours: [(_, response, body) => response.writeHead(200).end(body)],
    error: null,
  },
  { kind: "nothing", behaviours: [(_, response) => response.writeHead(200).end()], error: formatError(/has 0 bytes/) },
  {
    kind: "what is no HTTP",
    behaviours: [(_, response) => response.socket?.end("SSH-2.0-OpenSSH_9.7\r\n")],
    error: gaveUp,
  },
  {
    kind: "other bytes of the right length",
    behaviours: [(_, response, body) => response.end(Buffer.alloc(body.length))],
    error: formatError(/SHA-256|not the checkpoint/),
  },
];

let made: Buffer | null = null;
/** 64 MB of zeros. */
const bomb = () => {
  made ??= gzipSync(Buffer.alloc(64 << 20), { level: 1 });
  return made;
};
