import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../scripts/serve.mjs";
import { attack, exchange, SECRET, Target } from "./attack.js";

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

const get = (path: string, ...more: string[]) =>
  exchange(target.port, [`GET ${path} HTTP/1.1`, "Host: localhost", "Connection: close", ...more, "", ""].join("\r\n"));
const open = () =>
  new Promise<Socket>((resolve) => {
    const socket = connect(target.port, "127.0.0.1", () => resolve(socket)).on("error", () => resolve(socket));
  });

describe("the server of kiosk and bench page", () => {
  test("serves its files, with the headers of a careful server", async () => {
    const answer = await get("/");
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*<title>here<\/title>$/s);
    for (const header of ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "x-frame-options: deny"]) {
      expect(answer.toLowerCase()).toContain(header);
    }
  });

  test.each([
    "/%",
    "//",
    "/..%2f",
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/../site-private/secret.txt",
    "/..%2fsite-private%2fsecret.txt",
    "/lib/../../site-private/secret.txt",
    "/%00",
    "/a.js%00",
    "/.secret",
    "/..\\secret.txt",
    "http://[::1",
    "/lib",
    "*",
  ])("%s: an answer, and nothing of another folder", async (path) => {
    const answer = await get(path);
    expect(answer).toMatch(/^HTTP\/1\.1 [24]\d\d /);
    expect(answer).not.toContain(SECRET);
    expect(await target.serves()).toBe(true);
  });

  test.each(["bytes=5-2", "bytes=-1", "bytes=9-", "bytes=99999999999999999999-", "lines=1"])(
    "the range %s does no harm",
    async (range) => {
      expect(await get("/lib/a.js", `Range: ${range}`)).toMatch(/^HTTP\/1\.1 [24]\d\d /);
      expect(await target.serves()).toBe(true);
    },
  );

  test("a name that was pointed at this machine reads nothing", async () => {
    const answer = await exchange(target.port, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).not.toContain("<title>");
  });

  test("reports are heard as one line without control characters; long ones are refused", async () => {
    const post = (body: string, length = body.length) =>
      exchange(
        target.port,
        `POST /csp-reports HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${body}`,
      );
    expect(await post("blocked\u001b[2J\r\nforged: line")).toMatch(/^HTTP\/1\.1 200 /);
    expect((await target.state()).reports).toEqual(["blocked\\u001b[2J\\u000d\\u000aforged: line"]);
    expect(await post("x".repeat(40_000), 1e12)).toMatch(/^HTTP\/1\.1 413 /);
    expect((await target.state()).reports).toEqual([]);
  });

  test("a body without end ends", async () => {
    const socket = await open();
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    const piece = `8000\r\n${"x".repeat(0x8000)}\r\n`;
    let sent = 0;
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
    const pump = setInterval(() => {
      if (socket.writable && socket.writableLength < 1e6) socket.write(piece, () => (sent += piece.length));
    }, 1);
    await closed;
    clearInterval(pump);
    expect(sent).toBeLessThan(50e6);
    expect(await target.serves()).toBe(true);
  }, 30_000);

  test("connections that say nothing, or little, are closed, and others are served meanwhile and after that", async () => {
    const sockets = await Promise.all(Array.from({ length: 600 }, open));
    for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nX-Slow: ");
    const slow = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write("x");
    }, 500);
    await expect
      .poll(() => sockets.filter((it) => !it.destroyed && it.readyState === "open").length, { timeout: 20_000 })
      .toBe(0);
    clearInterval(slow);
    expect(await target.serves()).toBe(true);
  }, 30_000);

  test("thousands of random requests: alive, and nothing leaks", async () => {
    const { statuses, leaks } = await attack(target.port, 2_000, 1);
    expect(leaks).toEqual([]);
    // Of every kind of answer some: the requests reach what they are meant for.
    for (const status of ["200", "400", "404", "405", "421"]) expect(statuses[status]).toBeGreaterThan(10);
    expect(target.alive).toBe(true);
    expect(await target.serves()).toBe(true);
  });

  test("a folder with symbolic links is not served", async () => {
    const folder = await mkdtemp(join(tmpdir(), "links-"));
    await mkdir(join(folder, "inside"));
    await symlink("/etc", join(folder, "inside/out"));
    await expect(serve({ folder, port: 0 })).rejects.toThrow(/inside\/out is a symbolic link/);
    await rm(folder, { recursive: true });
  });
});
