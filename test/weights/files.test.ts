import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { ModelFormatError, ResnetEdgeError, SourceError } from "../../src/errors.js";
import type { FileBody } from "../../src/host/file-body.js";
import { openModel, readModel } from "../../src/host/model-files.js";
import { nodeHost } from "../../src/host/node.js";
import { pathOf } from "../../src/host/regular-file.js";
import { openInPlace } from "../../src/session/open.js";
import { Pieces } from "../../src/source/body.js";
import { readHeader } from "../../src/weights/safetensors.js";
import { joinShards } from "../../src/weights/shards.js";
import { smallModel } from "../built.js";
import { readWeights } from "./read.js";

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const whole = new Uint8Array(readFileSync(smallModel));
const at = (name: string) => join(folder, name);
const read = (source: string | URL) => readModel(source, null);

/** A folder with the small model's tensors in `count` files and their index, as Hugging Face has them. */
function sharded(name: string, count: number, change: (map: Record<string, string>) => void = () => {}): string {
  const path = at(name);
  mkdirSync(path, { recursive: true });
  const { tensors, valuesAt } = readHeader(whole, whole.length, "x");
  const map: Record<string, string> = {};
  for (let part = 0; part < count; part++) {
    const file = `model-0000${part + 1}-of-0000${count}.safetensors`;
    const mine = [...tensors.values()].filter((_, index) => index % count === part);
    const header: Record<string, unknown> = { __metadata__: { format: "pt", [`part ${part}`]: "x" } };
    const values: Uint8Array[] = [];
    let end = 0;
    for (const { name, shape, begin, end: last, dtype } of mine) {
      header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [end, end + last - begin] };
      end += last - begin;
      values.push(whole.subarray(valuesAt + begin, valuesAt + last));
      map[name] = file;
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(join(path, file), Buffer.concat([length, text, ...values]));
  }
  change(map);
  writeFileSync(
    join(path, "model.safetensors.index.json"),
    JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }),
  );
  return path;
}

describe("weights in several files", () => {
  test.each([1, 2, 5])("%i files are the tensors of one", async (count) => {
    const path = sharded(`shards-${count}`, count);
    for (const source of [path, join(path, "model.safetensors.index.json"), pathToFileURL(path)]) {
      const { bytes, origin } = await read(source);
      const wanted = (await readWeights(whole, "x")).tensors;
      const { tensors, metadata } = await readWeights(bytes, origin);
      expect([...tensors.keys()].sort()).toEqual([...wanted.keys()].sort());
      for (const [name, tensor] of tensors) {
        expect(tensor.shape, name).toEqual(wanted.get(name)!.shape);
        expect(Buffer.compare(tensor.bytes, wanted.get(name)!.bytes), name).toBe(0);
      }
      expect(metadata.get("part 0")).toBe("x");
    }
  });

  test("a tensor called __proto__ is one like any other", () => {
    const text = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const file = Buffer.concat([Buffer.from([text.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(`${text}x`)]);
    const header = readHeader(file, file.length, "x");
    const { head, length } = joinShards([{ origin: "x", header }]);
    expect([...readHeader(head, length, "y").tensors.keys()]).toEqual(["__proto__"]);
  });

  const refused: [string, (map: Record<string, string>) => void, RegExp][] = [
    ["a name that leaves the folder", (map) => set(map, "../other.safetensors"), /not beside it/],
    ["a name with a folder in it", (map) => set(map, "x/other.safetensors"), /not beside it/],
    ["a name of Windows' that leaves it", (map) => set(map, "..\\other.safetensors"), /not beside it/],
    ["a name that is no text", (map) => set(map, 5), /not beside it/],
    ["a pickle", (map) => set(map, "pytorch_model.bin"), /only weights in \.safetensors/],
    [
      "a file that is not there",
      (map) => set(map, "model-9.safetensors"),
      /lists model-9\.safetensors, which is not beside it/,
    ],
    ["a tensor that no file has", (map) => (map.absent = Object.values(map)[0]!), /has no "absent"/],
    ["a tensor that the index leaves out", (map) => delete map[Object.keys(map)[3]!], /which the index does not list/],
    [
      "a thousand files and one",
      (map) => Array.from({ length: 1001 }, (_, i) => (map[i] = `${i}.safetensors`)),
      /more than 1000/,
    ],
  ];
  function set(map: Record<string, string>, file: unknown) {
    map[Object.keys(map)[0]!] = file as string;
  }
  test.each(refused)("%s is refused", async (name, change, message) => {
    const refusal = read(sharded(name.replaceAll(" ", "-"), 2, (map) => void change(map)));
    await expect(refusal).rejects.toThrow(ResnetEdgeError);
    await expect(refusal).rejects.toThrow(message);
  });

  test("an index that is none, and one that came over the network", async () => {
    writeFileSync(at("x.index.json"), '{"weight_map":5}');
    await expect(read(at("x.index.json"))).rejects.toThrow(/no weight_map/);
    const index = readFileSync(join(sharded("index", 2), "model.safetensors.index.json"));
    await expect(readWeights(index, "http://x/model.safetensors.index.json")).rejects.toThrow(
      /index of a model in several/,
    );
  });
});

describe("only regular files are read", () => {
  test("a pipe, a socket, devices, a link to itself and a file that is too large are named at once", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    symlinkSync(at("loop"), at("loop"));
    writeFileSync(at("large"), "");
    truncateSync(at("large"), 5 * 2 ** 30);
    const server = createServer().listen(at("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    const cases: [string, RegExp][] = [
      [at("pipe"), /is a pipe \(FIFO\)/],
      [at("socket"), /is a socket/],
      ["/dev/zero", /is a device/],
      [at("loop"), /a link that leads to itself/],
      [at("large"), /has 5368709120 bytes; at most 4294967296/],
      [at("nothing"), /No file at/],
    ];
    for (const [path, message] of cases) {
      const start = performance.now();
      const refusal = read(path);
      await expect(refusal, path).rejects.toThrow(SourceError);
      await expect(refusal, path).rejects.toThrow(message);
      expect(performance.now() - start).toBeLessThan(1000);
    }
    server.close();
  });

  test.each(["config.json", "preprocessor_config.json", "model.safetensors"])("%s that is a pipe", async (name) => {
    const path = at(`folder-${name}`);
    mkdirSync(path);
    if (name !== "model.safetensors") cpSync(smallModel, join(path, "model.safetensors"));
    execFileSync("mkfifo", [join(path, name)]);
    await expect(read(path)).rejects.toThrow(new RegExp(`${name} is a pipe`));
  });

  test("a configuration of 20 MB, of depth 100,000, and with a name twice", async () => {
    const path = at("configured");
    mkdirSync(path);
    cpSync(smallModel, join(path, "model.safetensors"));
    for (const [text, message] of [
      [" ".repeat(20e6), /20000000 bytes; at most/],
      ["[".repeat(1e5), /config\.json is nested/],
      ['{"a":1,"a":2}', /config\.json has "a" twice/],
    ] as const) {
      writeFileSync(join(path, "config.json"), text);
      await expect(read(path)).rejects.toThrow(message);
    }
    writeFileSync(join(path, "config.json"), "{");
    await expect(read(path)).rejects.toThrow(ModelFormatError);
  });

  test("an abort ends a read", async () => {
    await expect(readModel(smallModel, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });
});

describe("file: URLs are paths of the host", () => {
  test("Windows' drives and shares, and characters that are escaped", () => {
    expect(pathOf(new URL("file:///C:/models/a%20b%23.safetensors"), true)).toBe("C:\\models\\a b#.safetensors");
    expect(pathOf(new URL("file://server/share/x.pth"), true)).toBe("\\\\server\\share\\x.pth");
    expect(pathOf("C:\\models\\x.pth", true)).toBe("C:\\models\\x.pth");
    expect(pathOf(new URL("file:///models/a%20b%25.pth"), false)).toBe("/models/a b%.pth");
  });

  test("what names no file is a SourceError", () => {
    expect(() => pathOf(new URL("file://server/x.pth"), false)).toThrow(SourceError);
    expect(() => pathOf(new URL("file:///a%2fb"), false)).toThrow(SourceError);
    expect(() => pathOf(new URL("file:///models/x"), true)).toThrow(SourceError);
  });
});

/** A safetensors file of one tensor of `count` values. */
function fileOf(count: number): Uint8Array {
  const header = JSON.stringify({ weight: { dtype: "F32", shape: [count], data_offsets: [0, 4 * count] } });
  const values = Uint8Array.from({ length: 4 * count }, (_, index) => index * 7);
  return Buffer.concat([new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer), Buffer.from(header), values]);
}

describe("a safetensors file that stays on the disk", () => {
  const large = at("large.safetensors");
  const bytes = fileOf(250_000);
  writeFileSync(large, bytes);
  const descriptors = () => readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === large).length;
  const linkOf = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return null;
    }
  };
  const bodyOf = async (path: string, signal?: AbortSignal) => {
    const opened = await openModel(path, signal);
    if ("bytes" in opened) throw new Error("It was read whole.");
    return opened.body as FileBody;
  };
  const isClosed = () => vi.waitFor(() => expect(descriptors()).toBe(0));

  test("gives the file's bytes, from its beginning or from where its header ended, and closes it", async () => {
    const body = await bodyOf(large);
    expect(body.stated).toBe(bytes.length);
    expect(Buffer.compare(await body.whole(), bytes)).toBe(0);
    await isClosed();
    const again = await bodyOf(large);
    const head = new Pieces();
    head.add((await again.next())!);
    expect(Buffer.compare(await again.whole(head), bytes)).toBe(0);
    await isClosed();
    const pieces = [];
    const piecewise = await bodyOf(large);
    for (let piece = await piecewise.next(); piece; piece = await piecewise.next()) pieces.push(piece.slice());
    expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
    expect(pieces.length).toBeGreaterThan(2);
    await isClosed();
  });

  test("reads values in any order, keeps what is wanted later, and closes at the end", async () => {
    const body = await bodyOf(large);
    const valuesAt = bytes.length - 1_000_000;
    const values = body.values(valuesAt);
    const read = (begin: number, length: number) => {
      const target = new Uint8Array(length);
      values.read(begin, target);
      return Buffer.compare(target, bytes.subarray(valuesAt + begin, valuesAt + begin + length));
    };
    expect(values.loaded).toBe(1_000_000);
    values.keep(400_000, 500_000);
    values.recycle();
    expect([read(900_000, 100_000), read(0, 8), read(400_000, 16)]).toEqual([0, 0, 0]);
    expect(values.held).toBe(0);
    await values.finished();
    await isClosed();
    expect(values.held).toBe(100_000);
    expect([read(400_000, 100_000), read(450_000, 8)]).toEqual([0, 0]);
    expect(() => read(0, 8)).toThrow(RangeError);
  });

  test("closes the file when nobody wants it any more, and when it became shorter", async () => {
    const body = await bodyOf(large);
    expect(descriptors()).toBe(1);
    body.cancel();
    await isClosed();
    const aborted = new AbortController();
    const watched = await bodyOf(large, aborted.signal);
    aborted.abort(new Error("enough"));
    await expect(watched.next()).rejects.toThrow("enough");
    await isClosed();
    const cut = await bodyOf(large);
    const read = await bodyOf(large);
    const values = read.values(bytes.length - 1_000_000);
    truncateSync(large, 300_000);
    await expect(cut.whole()).rejects.toThrow(/became shorter while it was read/);
    expect(() => values.read(900_000, new Uint8Array(8))).toThrow(SourceError);
    read.cancel();
    await isClosed();
    await expect(openModel(large, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(descriptors()).toBe(0);
  });

  test("a load that fails closes the file", async () => {
    const broken = at("broken.safetensors");
    writeFileSync(broken, fileOf(100));
    await expect(openInPlace(nodeHost, broken)).rejects.toThrow(ResnetEdgeError);
    await vi.waitFor(() => expect(readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === broken)).toEqual([]));
  });
});
