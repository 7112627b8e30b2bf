import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { smallModelWith } from "../api/small-model.js";
import { root } from "../built.js";
import { command, lines } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const cat = fileURLToPath(new URL("examples/photos/cat.jpg", root));
const inside = (name: string) => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};
/** What a terminal would obey: C0 but for the line's end, DEL, C1, separators, changes of direction. */
const controls = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_C}]/u;
const parsed = (result: Parameters<typeof lines>[0]) => lines(result).map((line) => JSON.parse(line));

describe("folders", () => {
  test("a pipe, a socket, a link in a circle, a dangling link and a folder are named or passed over, the rest classified", async () => {
    const path = inside("special");
    copyFileSync(cat, join(path, "a.jpg"));
    copyFileSync(cat, join(path, "z.jpg"));
    mkdirSync(join(path, "b.jpg"));
    execFileSync("mkfifo", [join(path, "fifo.jpg"), join(path, "fifo")]);
    symlinkSync("loop.jpg", join(path, "loop.jpg"));
    symlinkSync("..", join(path, "up"));
    symlinkSync("nowhere.jpg", join(path, "gone.jpg"));
    symlinkSync(cat, join(path, "linked.jpg"));
    symlinkSync("/dev/zero", join(path, "zero.jpg"));
    const server = createServer().listen(join(path, "socket.jpg"));
    const result = await command("classify", path, "--json");
    server.close();
    expect(result).toMatchObject({ code: 1, stderr: "" });
    const byName = new Map(parsed(result).map((line) => [line.image.slice(path.length + 1), line]));
    for (const name of ["a.jpg", "z.jpg", "linked.jpg"]) expect(byName.get(name).predictions[0].label).toBe("cat");
    const refused = { "fifo.jpg": /pipe/, fifo: /pipe/, "loop.jpg": /itself/, "gone.jpg": /No file/ };
    for (const [name, message] of Object.entries({ ...refused, "socket.jpg": /socket/, "zero.jpg": /device/ })) {
      expect(byName.get(name).error, name).toMatchObject({
        name: "SourceError",
        message: expect.stringMatching(message),
      });
    }
    expect(byName.size).toBe(9);
  });

  test.each(["/dev/zero", "fifo"])("%s given as an image is refused at once", async (name) => {
    const path = name === "fifo" ? join(folder, "a-fifo") : name;
    if (name === "fifo") execFileSync("mkfifo", [path]);
    const result = await command("classify", path, cat);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/SourceError: .*not a file/);
    expect(result.stdout).toMatch(/cat/);
  });

  test.skipIf(process.getuid?.() === 0)("a folder that cannot be read (skipped for root, who reads all)", async () => {
    const path = inside("locked");
    chmodSync(path, 0);
    const result = await command("classify", path, cat);
    chmodSync(path, 0o700);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/The folder .*locked could not be read/);
    expect(result.stdout).toMatch(/cat/);
  });

  test("an empty folder among others, and no folder at all", async () => {
    const path = inside("empty");
    const result = await command("classify", path, join(folder, "none"), cat);
    expect(result.code).toBe(1);
    expect(lines({ ...result, stdout: result.stderr })).toHaveLength(2);
    expect(result.stderr).toMatch(/has no images[\s\S]*No file at/);
    expect(result.stdout).toMatch(/cat/);
  });

  test("a name that is not UTF-8", async () => {
    const path = inside("bytes");
    copyFileSync(cat, Buffer.concat([Buffer.from(join(path, "caf")), Buffer.of(0xe9, 0xff), Buffer.from(".jpg")]));
    const [line] = parsed(await command("classify", path, "--json"));
    expect(line.image).toBe(join(path, "caf\\xe9\\xff.jpg"));
    expect(line.predictions[0].label).toBe("cat");
  });

  test("10,000 files, one of them an image", async () => {
    const path = inside("many");
    for (let index = 0; index < 9999; index++) writeFileSync(join(path, `${index}.txt`), "");
    copyFileSync(cat, join(path, "one.jpg"));
    const result = await command("classify", path, "--json");
    expect(result.code).toBe(0);
    expect(lines(result)).toHaveLength(1);
  });
});

describe("control characters reach no terminal", () => {
  const evil = "cat\n  99.9 %  dog\u001b[2J\u009b31m\u2028\u202egpj\u007f\r";

  test("labels, as text and as JSON", async () => {
    const model = join(folder, "labels.safetensors");
    writeFileSync(model, await smallModelWith(2, { labels: [evil, "dog"] }));
    const text = await command("classify", cat, "--model", model);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).not.toMatch(controls);
    expect(lines(text)).toHaveLength(3);
    expect(text.stdout).toContain("cat\\n  99.9 %  dog\\u001b[2J\\u009b31m\\u2028\\u202egpj\\u007f\\u000d");
    const json = await command("classify", cat, "--model", model, "--json");
    expect(json.stdout).not.toMatch(controls);
    expect(JSON.parse(json.stdout).predictions.map(({ label }: { label: string }) => label)).toContain(evil);
    for (const more of [[], ["--json"]]) {
      const inspected = await command("inspect", model, ...more);
      expect(inspected.code).toBe(0);
      expect(inspected.stdout).not.toMatch(controls);
    }
  });

  test("names of files, of models and of commands", async () => {
    const name = `x\u001b[31m\n\u202e.jpg`;
    const path = inside("names");
    copyFileSync(cat, join(path, name));
    writeFileSync(join(path, `broken${name}`), "no image");
    const results = [
      await command("classify", path),
      await command("classify", path, "--json"),
      await command("inspect", join(path, name)),
      await command("classify", cat, "--model", name),
      await command("classify", cat, "--labels", name),
      await command(name),
      await command("classify", `--${name}`),
      await command("classify", cat, "--architecture", name),
      await command("pull", name),
      await command("inspect", join(path, name), "--debug"),
    ];
    for (const { stdout, stderr } of results) {
      expect(stdout).not.toMatch(controls);
      expect(stderr).not.toMatch(controls);
    }
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 1]);
  });

  test("a message is cut to a screen", async () => {
    const result = await command("classify", cat, "--model", `data:,${"x".repeat(1e5)}`);
    expect(result.code).toBe(1);
    expect(result.stderr.length).toBeLessThan(2000);
  });
});

describe("a disk that is full", () => {
  test.each([["classify", cat], ["inspect"], ["pull", "--list"]])("%s", (...words) => {
    const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
    const { status, stderr } = spawnSync("sh", ["-c", 'exec "$@" > /dev/full', "sh", process.execPath, bin, ...words], {
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^resnet-edge: the results could not be written: ENOSPC.*\n$/);
  });
});

describe("usage", () => {
  test.each([
    [["constructor"], /unknown command "constructor"/],
    [["__proto__"], /unknown command "__proto__"/],
    [["clasify", cat], /did you mean "classify"/],
    [["classify", cat, "--lables", "x"], /"--lables"; did you mean "--labels"/],
    [["classify", cat, "--top_k", "3"], /did you mean "--top-k"/],
    [["classify", cat, "--__proto__"], /unknown option/],
    [["classify", cat, "--architecture", "resnet19"], /resnet19/],
    [["classify", cat, "--architecture", "stridIn=1x1"], /"stridIn"; did you mean "strideIn"/],
    [["classify", cat, "--architecture", "{strideIn:1}"], /not JSON/],
    [["classify", cat, "--architecture", "__proto__=1"], /"__proto__"/],
    [["classify", cat, "--preprocess", "means=0.5,0.5,0.5"], /"means"; did you mean "mean"/],
    [["classify", cat, "--preprocess", "squash"], /name=value/],
    [["classify", cat, "--input-size", "32x"], /HEIGHTxWIDTH/],
    [["classify", cat, "--min-score", "7"], /between 0 and 1/],
  ])("%j: one line, exit 2", async (words, message) => {
    const result = await command(...words);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^resnet-edge: [^\n]*See resnet-edge help\.\n$/);
  });

  test("a feature extractor is not classified with, and inspect says so", async () => {
    const model = join(folder, "features.safetensors");
    writeFileSync(model, await smallModelWith(0));
    const result = await command("classify", cat, "--model", model);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^resnet-edge: UnsupportedModelError: .*no classifier.*\n$/);
    expect((await command("inspect", model)).stdout).toMatch(/classes +none: a feature extractor/);
  });

  test("--architecture and --preprocess, as pairs, lists and JSON; two sides", async () => {
    const inspected = async (...words: string[]) =>
      JSON.parse((await command("inspect", "--json", "models/cifar10-resnet20.safetensors", ...words)).stdout);
    const plain = await inspected();
    expect(plain.stated).toMatchObject({ block: "basic" });
    expect(plain.assumed).toMatchObject({ activation: "relu", epsilon: 1e-5 });
    const told = await inspected(
      "--architecture",
      "activation=silu,layers=3,3,3",
      "--architecture",
      '{"epsilon":0.001}',
    );
    expect(told.architecture).toMatchObject({ activation: "silu", layers: [3, 3, 3], epsilon: 0.001 });
    expect(told.stated).toMatchObject({ activation: "silu", epsilon: 0.001 });
    expect(told.assumed).not.toHaveProperty("activation");
    const pool = await inspected("--architecture", "maxPool.kernel=2,maxPool.ceilMode=true,head=[linear]");
    expect(pool.architecture).toMatchObject({ maxPool: { kernel: 2, ceilMode: true }, head: ["linear"] });
    const named = await inspected("--architecture", "resnet20", "--architecture", "epsilon=0.01");
    expect(named.architecture).toMatchObject({ name: "resnet20-cifar", epsilon: 0.01 });
    const sized = await inspected(
      "--input-size",
      "24x40",
      "--preprocess",
      "mode=squash,mean=0.5,0.25,0.125",
      "--resize",
      "30x50",
    );
    expect(sized.input).toMatchObject({ height: 24, width: 40 });
    expect(sized.preprocess).toMatchObject({
      crop: [24, 40],
      resize: [30, 50],
      mode: "squash",
      mean: [0.5, 0.25, 0.125],
    });
  });
});
