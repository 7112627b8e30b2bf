import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Stands in files that must never be sent. */
export const SECRET = "outside of the folder";

/** A server in a process of its own, and a folder beside the one that it serves, whose name begins the same. */
export class Target {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Target> {
    const folder = await mkdtemp(join(tmpdir(), "served-"));
    const site = join(folder, "site");
    for (const name of ["site", "site/lib", "site-private"]) await mkdir(join(folder, name));
    await writeFile(join(site, "index.html"), "<!doctype html><title>here</title>");
    await writeFile(join(site, "lib/a.js"), "export {};\n");
    await writeFile(join(site, "large.bin"), new Uint8Array(4 << 20));
    for (const name of ["secret.txt", "site-private/secret.txt", "site/.secret"])
      await writeFile(join(folder, name), SECRET);
    const child = fork(fileURLToPath(new URL("./child.mjs", import.meta.url)), [site], { execArgv: [] });
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new Target(port, child, folder);
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async state(): Promise<{ bytes: number; reports: string[] }> {
    const answered = once(this.child, "message");
    this.child.send("state");
    return (await answered)[0] as { bytes: number; reports: string[] };
  }

  /** Whether it still answers as it should. */
  async serves(): Promise<boolean> {
    const answer = await exchange(
      this.port,
      `GET /lib/a.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      10_000,
    );
    return answer.startsWith("HTTP/1.1 200") && answer.endsWith("export {};\n");
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Sends bytes as they are, and collects what comes back until the connection ends, or for `ms`. */
export function exchange(port: number, request: string | Buffer, ms = 2_000): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    const end = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ms, end);
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      if (answer.length < 100_000) answer += text;
    });
    socket.on("error", end);
    socket.on("close", end);
  });
}

/** mulberry32 */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const steps = [
  "..",
  "%2e%2e",
  "%2e.",
  ".",
  "",
  "%00",
  "%",
  "%zz",
  "..%2f..",
  "..%5c..",
  "\\..",
  "%c0%ae%c0%ae",
  "%252e%252e",
];
const names = [
  "secret.txt",
  "site-private",
  "site",
  "lib",
  "a.js",
  ".secret",
  "index.html",
  "large.bin",
  "etc",
  "passwd",
  "~",
  "é",
];
const separators = ["/", "//", "%2f", "\\", "%5c", "/./", ";/", "?/", "#/"];
const methods = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
  "PROPFIND",
  "get",
  "G\0T",
  "",
];
const headers = [
  "Host: localhost",
  "Host: evil.example",
  "Host: ",
  "Range: bytes=5-2",
  "Range: bytes=-1",
  "Range: bytes=0-,1-,2-,3-",
  "Range: bytes=99999999999999999999-",
  "Range: lines=1",
  "If-None-Match: *",
  "If-Modified-Since: never",
  "Expect: 100-continue",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Transfer-Encoding: chunked",
  "Content-Length: 10",
  "Content-Length: -1",
  "Content-Length: 99999999999999",
  `X-Long: ${"x".repeat(9000)}`,
  "X-Bad\0: 1",
  "Accept-Encoding: gzip, br",
];

/** A request that a careful client would not send; most are HTTP. */
function request(random: () => number): Buffer {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  if (random() < 0.05) return Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
  let path = random() < 0.9 ? "/" : "";
  for (let part = 0, parts = random() * 8; part < parts; part++)
    path += one(random() < 0.5 ? steps : names) + one(separators);
  if (random() < 0.6) path += one(names);
  if (random() < 0.02) path = `/${"a/".repeat(5_000)}`;
  if (random() < 0.05) path = `http://evil.example${path}`;
  if (random() < 0.2) path = "/csp-reports";
  const lines = [`${one(methods)} ${path} HTTP/1.${random() < 0.9 ? 1 : 0}`];
  if (random() < 0.8) lines.push("Host: localhost");
  for (let count = random() * 3; count > 0; count--) lines.push(one(headers));
  lines.push("Connection: close");
  const body = random() < 0.3 ? "x\u001b[2Jx\r\n".repeat(Math.floor(random() * 4_000)) : "";
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, random() < 0.5 ? "utf8" : "latin1");
}

export interface Outcome {
  /** Answers by status; "none" where the connection was closed without one. */
  readonly statuses: Record<string, number>;
  /** Requests whose answer had something from outside of the folder. */
  readonly leaks: string[];
}

/** Sends `count` random requests, 32 at a time. */
export async function attack(port: number, count: number, seed: number): Promise<Outcome> {
  const random = randomFrom(seed);
  const statuses: Record<string, number> = {};
  const leaks: string[] = [];
  let sent = 0;
  const worker = async () => {
    while (sent++ < count) {
      const bytes = request(random);
      const answer = await exchange(port, bytes, 300);
      const status = /^HTTP\/1\.\d (\d+)/.exec(answer)?.[1] ?? "none";
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (answer.includes(SECRET) || answer.includes("root:x:0")) leaks.push(bytes.toString("latin1").slice(0, 300));
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return { statuses, leaks };
}
