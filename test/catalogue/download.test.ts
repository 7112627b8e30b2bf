import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DownloadOptions, download } from "../../src/catalogue/download.js";
import { type Behaviour, cut, good, type Misbehaving, misbehave, tagOf } from "./server.js";

const body = randomBytes(300_000);
const sha256 = createHash("sha256").update(body).digest("hex");
let target: string;
let server: Misbehaving;

beforeEach(async () => {
  target = join(await mkdtemp(join(tmpdir(), "pull-")), "models", "a.pth");
});
afterEach(() => server?.close());

async function get(behaviours: Behaviour[], options: Partial<DownloadOptions> = {}) {
  server = await misbehave(body, ...behaviours);
  return download(`${server.origin}/a.pth`, target, { sha256, backoffMs: 1, ...options });
}
const left = () => readdir(dirname(target));

test("a whole file, with progress", async () => {
  const seen: number[] = [];
  await get([good], { onProgress: (loaded, total) => seen.push(loaded, total) });
  expect(body.equals(await readFile(target))).toBe(true);
  expect(seen.at(-2)).toBe(body.length);
  expect(seen.at(-1)).toBe(body.length);
  expect(await left()).toEqual(["a.pth"]);
});

test("what is there is not fetched again", async () => {
  await get([good]);
  server.close();
  await download("http://127.0.0.1:1/a.pth", target, { sha256 });
  expect(body.equals(await readFile(target))).toBe(true);
});

test("cut at 50 %: the rest alone is asked for", async () => {
  await get([cut, good]);
  expect(body.equals(await readFile(target))).toBe(true);
  expect(server.ranges).toEqual([null, `bytes=${body.length / 2}-`]);
});

test("a process that ended in between: the next one goes on", async () => {
  await expect(get([cut], { attempts: 1 })).rejects.toMatchObject({
    name: "SourceError",
    message: /150000 bytes are kept/,
  });
  server.close();
  const url = `${server.origin}/a.pth`;
  const part = JSON.parse(await readFile(`${target}.part.json`, "utf8"));
  expect(part.url).toBe(url);
  server = await misbehave(body, good);
  await writeFile(`${target}.part.json`, JSON.stringify({ ...part, url: `${server.origin}/a.pth` }));
  await download(`${server.origin}/a.pth`, target, { sha256 });
  expect(server.ranges).toEqual([`bytes=${body.length / 2}-`]);
  expect(body.equals(await readFile(target))).toBe(true);
});

const whole: Behaviour = (_, response) => response.writeHead(200, { etag: tagOf(body) }).end(body);
const other = Buffer.from(body).fill(7, 0, 1000);
const changed: Behaviour = (request, response) => good(request, response, other);

test("a server without ranges: from the start", async () => {
  await get([cut, whole]);
  expect(body.equals(await readFile(target))).toBe(true);
});

test("a file that changed in between is not glued to the old one", async () => {
  const fresh = createHash("sha256").update(other).digest("hex");
  await get([cut, changed], { sha256: fresh });
  expect(other.equals(await readFile(target))).toBe(true);
});

test("no tag, so nothing that ties the halves together: from the start", async () => {
  const untagged: Behaviour = (request, response) => {
    const { writeHead } = response;
    response.writeHead = ((status: number, headers: Record<string, unknown>) => {
      delete headers.etag;
      return writeHead.call(response, status, headers as never);
    }) as never;
    cut(request, response, body);
  };
  await get([untagged, good]);
  expect(server.ranges).toEqual([null, null]);
  expect(body.equals(await readFile(target))).toBe(true);
});

describe("nothing is left behind", () => {
  test("by a wrong hash", async () => {
    await expect(get([good], { sha256: "0".repeat(64) })).rejects.toMatchObject({
      name: "ModelFormatError",
      message: /Nothing was kept/,
    });
    expect(await left()).toEqual([]);
  });

  test("by a web page", async () => {
    const page: Behaviour = (_, response) =>
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>log in</html>");
    await expect(get([page])).rejects.toMatchObject({ name: "ModelFormatError", message: /web page/ });
    expect(await left()).toEqual([]);
  });

  test("by what is missing", async () => {
    await expect(get([(_, response) => response.writeHead(404).end()])).rejects.toMatchObject({
      name: "SourceError",
      message: /404/,
    });
    expect(server.ranges.length).toBe(1);
    expect(await left()).toEqual([]);
  });
});

/** Each answer brings a hundred bytes more than the one before: never nothing, and never the end. */
const drip: Behaviour = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = start ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {};
  response.writeHead(start ? 206 : 200, { etag: tagOf(body), "content-length": body.length - start, ...range });
  response.write(body.subarray(start, start + 100), () => setTimeout(() => response.destroy(), 20));
};

test.each<[string, Behaviour]>([
  ["resets", (_, response) => response.destroy()],
  ["errors", (_, response) => response.writeHead(503).end()],
  ["a length that is wrong", (_, response) => response.writeHead(200, { "content-length": 400_000 }).end(body)],
  ["silence", () => {}],
  ["silence in the middle", (_, response) => void response.writeHead(200, { "content-length": 9 }).write("a")],
  ["a few bytes and no more", drip],
])("%s, again and again: a typed error after a few attempts", async (_, behaviour) => {
  await expect(get([behaviour], { attempts: 3, silenceMs: 100 })).rejects.toMatchObject({
    name: "SourceError",
    message: /broke off 3 times in a row/,
  });
});

test("a redirect is followed, a bad range and a refused one are answered by starting over", async () => {
  const redirect: Behaviour = (_, response) => response.writeHead(302, { location: "/b.pth" }).end();
  const wrongRange: Behaviour = (_, response) =>
    response.writeHead(206, { "content-range": `bytes 0-9/${body.length}` }).end(body.subarray(0, 10));
  const refused: Behaviour = (_, response) => response.writeHead(416).end();
  await get([redirect, cut, wrongRange, cut, refused, good]);
  expect(body.equals(await readFile(target))).toBe(true);
});

test.each([
  ["more than ten", "/a.pth", /redirects more than 10 times/],
  ["to what is no web address", "file:///etc/hostname", /not safe/],
])("redirects %s", async (_, location, message) => {
  await expect(get([(_, response) => response.writeHead(302, { location }).end()])).rejects.toMatchObject({
    name: "SourceError",
    message,
  });
  expect(await left()).toEqual([]);
});

describe("a hash that the host states beside its redirect", () => {
  const stating =
    (hash: string): Behaviour =>
    (request, response) =>
      request.url === "/store"
        ? good(request, response, body)
        : response.writeHead(302, { location: "/store", "x-linked-etag": `"${hash}"` }).end();

  test("is compared where none is known beforehand", async () => {
    await expect(get([stating(sha256)], { sha256: null })).resolves.toMatchObject({ sha256, checked: "stated" });
  });

  test("and nothing is left where it differs", async () => {
    await expect(get([stating("1".repeat(64))], { sha256: null })).rejects.toMatchObject({ name: "ModelFormatError" });
    expect(await left()).toEqual([]);
  });

  test("none at all is said", async () => {
    await expect(get([good], { sha256: null })).resolves.toMatchObject({ checked: null });
  });
});

test("a length that cannot be is refused before a byte is fetched", async () => {
  const seen: number[] = [];
  const checkLength = (bytes: number) => {
    throw new Error(`${bytes}`);
  };
  await expect(get([good], { checkLength, onProgress: (loaded) => seen.push(loaded) })).rejects.toThrow("300000");
  expect(seen).toEqual([]);
  expect(await left()).toEqual([]);
});

test("a range of another version is not glued on, though the host ignores If-Range", async () => {
  const careless: Behaviour = (request, response) => {
    delete request.headers["if-range"];
    good(request, response, other);
  };
  const fresh = createHash("sha256").update(other).digest("hex");
  await get([cut, careless], { sha256: fresh });
  expect(server.ranges).toEqual([null, "bytes=150000-", null]);
  expect(other.equals(await readFile(target))).toBe(true);
});

test("whole but not yet in its place: the host is asked for what is not there (416), and it is", async () => {
  await get([good]);
  await rename(target, `${target}.part`);
  const url = `${server.origin}/a.pth`;
  const state = { url, etag: tagOf(body), total: body.length, sha256: null };
  await writeFile(`${target}.part.json`, JSON.stringify(state));
  server.ranges.length = 0;
  await expect(download(url, target, { sha256 })).resolves.toMatchObject({ resumedFrom: body.length });
  expect(server.ranges).toEqual([`bytes=${body.length}-`]);
  expect(await left()).toEqual(["a.pth"]);
});

test("a pulled file that was damaged since is fetched again", async () => {
  await get([good]);
  await writeFile(target, "damaged");
  await download(`${server.origin}/a.pth`, target, { sha256 });
  expect(body.equals(await readFile(target))).toBe(true);
});

test("two at once: one fetches, both have it", async () => {
  const slow: Behaviour = (_, response) => {
    response.writeHead(200, { etag: tagOf(body), "content-length": body.length });
    response.write(body.subarray(0, 1000));
    setTimeout(() => response.end(body.subarray(1000)), 200);
  };
  server = await misbehave(body, slow);
  const url = `${server.origin}/a.pth`;
  await Promise.all([1, 2, 3].map(() => download(url, target, { sha256 })));
  expect(server.ranges.length).toBe(1);
  expect(body.equals(await readFile(target))).toBe(true);
  expect(await left()).toEqual(["a.pth"]);
});

test("a lock whose owner died does not hold anybody up", async () => {
  await get([good]);
  await writeFile(`${target}.lock`, `${hostname()} 999999999`);
  await download(`${server.origin}/a.pth`, target, { sha256 });
  expect(await left()).toEqual(["a.pth"]);
});

test("of many that find a dead owner's lock, one at a time goes on", async () => {
  await get([good]);
  server.ranges.length = 0;
  await rm(target);
  await writeFile(`${target}.lock`, `${hostname()} 999999999`);
  const url = `${server.origin}/a.pth`;
  await Promise.all(Array.from({ length: 8 }, () => download(url, target, { sha256 })));
  expect(server.ranges.length).toBe(1);
  expect(await left()).toEqual(["a.pth"]);
});

test("a lock of another machine, or one that says nothing, is dead when it has not been touched for long", async () => {
  await get([good]);
  for (const text of ["elsewhere 1", ""]) {
    await writeFile(`${target}.lock`, text);
    const signal = AbortSignal.timeout(400);
    const url = `${server.origin}/a.pth`;
    await expect(download(url, target, { sha256, signal })).rejects.toMatchObject({ name: "TimeoutError" });
    await utimes(`${target}.lock`, new Date(), Date.now() / 1000 - 300);
    await download(url, target, { sha256 });
  }
  expect(await left()).toEqual(["a.pth"]);
});

test("aborted: at once, and what has come stays", async () => {
  const hang: Behaviour = (_, response) => {
    response.writeHead(200, { etag: tagOf(body), "content-length": body.length });
    response.write(body.subarray(0, 1000));
  };
  const controller = new AbortController();
  const going = get([hang], { signal: controller.signal, onProgress: () => controller.abort() });
  await expect(going).rejects.toMatchObject({ name: "AbortError" });
  expect((await left()).sort()).toEqual(["a.pth.part", "a.pth.part.json"]);
});

test("a file where the folder should be", async () => {
  await writeFile(dirname(target), "");
  await expect(get([good])).rejects.toMatchObject({ name: "SourceError", message: /XDG_CACHE_HOME/ });
});

test.skipIf(process.getuid?.() === 0)("a folder that cannot be written (skipped for root, who can)", async () => {
  await chmod(dirname(dirname(target)), 0o500);
  await expect(get([good])).rejects.toMatchObject({ name: "SourceError", message: /XDG_CACHE_HOME/ });
});
