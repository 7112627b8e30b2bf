import { spawn } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../built.js";
import { archive, killAndResume, resultsIn } from "./archive-pictures.js";
import { command, lines } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "archive-"));
afterAll(() => rmSync(folder, { recursive: true }));
const cat = fileURLToPath(new URL("examples/photos/cat.jpg", root));
const many = archive(join(folder, "many"), 40);
const few = archive(join(folder, "few"), 4);
const names = readdirSync(many).map((name) => join(many, name));
const labels = names.map((name) => /-(\w+)\./.exec(name)![1]!);
/** What PyTorch says of each photograph: test/hosts/expected.py. */
const { photos } = JSON.parse(readFileSync(new URL("test/hosts/expected.json", root), "utf8")).integers;
const best = labels.map((name) => photos[`${name}.${name === "horse" ? "png" : "jpg"}`][0].label);

describe("many pictures, in workers", () => {
  test("the order of the names, and the answers of one session", async () => {
    const result = await command("classify", many, "--threads", "2", "--json", "--logits", "--top-k", "1");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const answers = lines(result).map((line) => JSON.parse(line));
    expect(answers.map(({ image }) => image)).toEqual(names);
    expect(answers.map(({ predictions }) => predictions[0].label)).toEqual(best);
    const one = JSON.parse((await command("classify", names[3]!, "--json", "--logits")).stdout);
    for (const [index, logit] of answers[3].logits.entries()) expect(logit).toBeCloseTo(one.logits[index], 3);
    for (const { ms } of answers)
      for (const phase of ["decode", "preprocess", "inference"]) expect(ms[phase]).toBeGreaterThan(0);
  });

  test("pictures that fail keep their place, and options that are wrong are said once", async () => {
    const mixed = archive(join(folder, "mixed"), 30);
    writeFileSync(join(mixed, "0007-none.jpg"), "no picture");
    const result = await command("classify", mixed, "--threads", "2", "--json");
    expect(result.code).toBe(1);
    const answers = lines(result).map((line) => JSON.parse(line));
    expect(answers).toHaveLength(31);
    expect(answers.map(({ error }) => error?.name).filter(Boolean)).toEqual(["ImageDecodeError"]);
    expect(answers[7]).toMatchObject({ image: join(mixed, "0007-none.jpg"), error: { name: "ImageDecodeError" } });
    const wrong = await command("classify", mixed, "--min-score", "7");
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/minScore is 7/);
  });
});

describe("--output", () => {
  const output = join(folder, "results.jsonl");
  const words = ["classify", many, "--threads", "2", "--output", output];
  let whole: unknown[];

  beforeAll(async () => {
    const result = await command(...words);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/^40 images in [\d.]+ s, [\d.]+ images a second\n\nclass +images\n/);
    expect(result.stdout).toMatch(/\ncat +10\n/);
    whole = resultsIn(output);
  });

  test("one object a line, as --json has it, with the file's size and time", async () => {
    expect(whole).toHaveLength(40);
    const { size, mtime } = statSync(names[0]!);
    expect(whole[0]).toMatchObject({
      image: names[0],
      predictions: Array(5).fill({ index: expect.any(Number), label: expect.any(String), score: expect.any(Number) }),
      bytes: size,
      modified: mtime.toISOString(),
      run: expect.stringMatching(/^[\da-f]{12}-[\da-f]{12}$/),
    });
    expect(existsSync(`${output}.lock`)).toBe(false);
  });

  test("nothing is done twice, a changed file is done again, a new one too", async () => {
    const before = readFileSync(output);
    const again = await command(...words, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ images: 0, before: 40, failed: 0 });
    expect(readFileSync(output).equals(before)).toBe(true);

    const changing = archive(join(folder, "changing"), 3);
    const path = join(folder, "changing.jsonl");
    await command("classify", changing, "--output", path);
    const [first, second, third] = readdirSync(changing).map((name) => join(changing, name));
    copyFileSync(first!, second!);
    utimesSync(third!, new Date(2020, 1), new Date(2020, 1));
    copyFileSync(cat, join(changing, "new.jpg"));
    const result = await command("classify", changing, "--output", path, "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({ images: 3, before: 1 });
    const results = resultsIn(path) as { image: string; predictions: { label: string }[]; modified: string }[];
    expect(results.map(({ image }) => image)).toEqual([first, second, third, join(changing, "new.jpg")]);
    expect(results[1]!.predictions[0]!.label).toBe("cat");
    expect(results[2]!.modified).toBe(new Date(2020, 1).toISOString());
  });

  test("a picture that is named twice has one line", async () => {
    const path = join(folder, "twice.jsonl");
    await command("classify", names[0]!, few, names[0]!, few, "--output", path);
    expect(resultsIn(path)).toHaveLength(5);
  });

  test("pictures that failed before are told, since the exit status tells of them", async () => {
    const failing = archive(join(folder, "failing"), 2);
    writeFileSync(join(failing, "broken.jpg"), "no picture");
    const path = join(folder, "failing.jsonl");
    await command("classify", failing, "--output", path);
    const again = await command("classify", failing, "--output", path);
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/^0 images in .*; 3 were done before, and 1 of them failed$/m);
  });

  test.each([
    [["--top-k", "2"], /was begun with other options .*Give those again .*or name another --output/],
    [["--model", "models/cifar10-resnet20.safetensors"], /was begun with another model\. Give those again/],
  ])("%j: the file is refused, and left as it is", async (more, message) => {
    const before = readFileSync(output);
    const result = await command(...words, ...more);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(message);
    expect(readFileSync(output).equals(before)).toBe(true);
  });

  test.each([
    ["notes.jsonl", "Dear diary"],
    ["lines.jsonl", '{"a":1}\n{"b":2}\n'],
    ["table.csv", "name,age\r\nAlice,7\r\n"],
    ["table.parquet", "PAR2"],
    ["damaged.jsonl", '{"image":"a.jpg","run":"1-2"\n{"image":"b.jpg","run":"1-2"}\n'],
  ])("%s of somebody else is refused, and left as it is", async (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    const result = await command("classify", few, "--output", path);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/is no (Parquet file|result)|was begun with/);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("a folder, a name of no kind, too many columns", async () => {
    const path = join(folder, "folder.jsonl");
    mkdirSync(path);
    expect((await command("classify", few, "--output", path)).stderr).toMatch(/no ordinary file/);
    expect(await command("classify", few, "--output", "a.txt")).toMatchObject({ code: 2 });
    expect(await command("classify", few, "--output", "a.csv", "--top-k", "101")).toMatchObject({ code: 2 });
    const none = await command("classify", few, "--output", join(folder, "nowhere/a.csv"));
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/a\.csv cannot be written/);
  });

  test("a last line that was cut off is taken away; what failed is not done again, and has its exit status", async () => {
    const mixed = archive(join(folder, "torn"), 4);
    writeFileSync(join(mixed, "0002-none.jpg"), "no picture");
    const path = join(folder, "torn.jsonl");
    expect((await command("classify", mixed, "--output", path)).code).toBe(1);
    const results = resultsIn(path);
    appendFileSync(path, '{"image":"some');
    const again = await command("classify", mixed, "--output", path, "--json");
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({ images: 0, before: 5 });
    expect(resultsIn(path)).toEqual(results);
  });

  test("killed at random 6 times, and gone on with: as one undisturbed run", async () => {
    const path = join(folder, "killed.jsonl");
    const result = await killAndResume(["classify", many, "--threads", "2", "--output", path], path, 6, 1);
    expect(result.code).toBe(0);
    expect(resultsIn(path)).toEqual(whole);
  }, 120_000);

  test("a file's time may be the next millisecond, as another runtime rounds it, and no other", async () => {
    const path = join(folder, "rounded.jsonl");
    const files = archive(join(folder, "rounded"), 2);
    await command("classify", files, "--output", path);
    const shift = (by: number) => {
      const shifted = (_: string, time: string) => `"modified":"${new Date(Date.parse(time) + by).toISOString()}"`;
      writeFileSync(path, readFileSync(path, "utf8").replace(/"modified":"([^"]*)"/g, shifted));
    };
    const again = async () => JSON.parse((await command("classify", files, "--output", path, "--json")).stdout);
    shift(1);
    expect(await again()).toMatchObject({ images: 0, before: 2 });
    shift(1);
    expect(await again()).toMatchObject({ images: 2, before: 0 });
  });

  test("interrupted: exit status 130, whole lines, and the next run goes on", async () => {
    const path = join(folder, "interrupted.jsonl");
    const large = archive(join(folder, "large"), 400);
    const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
    const child = spawn(process.execPath, [bin, "classify", large, "--output", path], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    const ended = new Promise((resolve) => child.on("close", resolve));
    while (!existsSync(path) || statSync(path).size < 1000) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(stderr).toMatch(/interrupted; the same command goes on from there/);
    const done = resultsIn(path).length;
    expect(done).toBeLessThan(400);
    const rest = JSON.parse((await command("classify", large, "--output", path, "--json")).stdout);
    expect(rest).toMatchObject({ images: 400 - done, before: done });
    expect(resultsIn(path)).toHaveLength(400);
  }, 120_000);

  test("--max-errors ends early, and the same command goes on", async () => {
    const broken = join(folder, "broken");
    mkdirSync(broken);
    for (const name of ["a", "b", "c"]) writeFileSync(join(broken, `${name}.jpg`), "no picture");
    const path = join(folder, "broken.jsonl");
    const first = await command("classify", broken, "--output", path, "--max-errors", "2");
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/error +images\n-+ +-+\nImageDecodeError +2\n/);
    expect(first.stderr).toMatch(/stopped after 2 errors; the same command goes on/);
    expect(resultsIn(path)).toHaveLength(2);
    await command("classify", broken, "--output", path);
    expect(resultsIn(path)).toHaveLength(3);
  });

  test("Parquet: a column a field, readable by others; an interrupted one is gone on with, a whole one too", async () => {
    const path = join(folder, "table.2.parquet");
    const odd = archive(join(folder, "odd"), 3);
    writeFileSync(join(odd, "none.jpg"), "no picture");
    expect((await command("classify", odd, "--output", path, "--top-k", "2", "--logits")).code).toBe(1);
    expect(existsSync(`${path}.part.jsonl`)).toBe(false);
    const rows = async () => {
      const file = await asyncBufferFromFile(path);
      return { rows: await parquetReadObjects({ file }), metadata: await parquetMetadataAsync(file) };
    };
    const first = await rows();
    expect(first.rows).toHaveLength(4);
    expect(first.rows[0]).toMatchObject({
      image: join(odd, "0000-cat.jpg"),
      bytes: BigInt(statSync(cat).size),
      index_1: expect.any(BigInt),
      label_1: "cat",
      score_1: expect.any(Number),
      label_2: expect.any(String),
      error: null,
      logits: expect.stringMatching(/^(\S+ ){109}\S+$/),
    });
    expect(first.rows[3]).toMatchObject({ error: "ImageDecodeError", label_1: null });
    copyFileSync(cat, join(odd, "zz.jpg"));
    await command("classify", odd, "--output", path, "--top-k", "2", "--logits");
    const second = await rows();
    expect(second.rows.slice(0, 4)).toEqual(first.rows);
    expect(second.rows[4]).toMatchObject({ image: join(odd, "zz.jpg"), label_1: "cat" });
    const refused = await command("classify", odd, "--output", path);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/columns are others/);
  });

  test("CSV by RFC 4180, gone on with after a torn record", async () => {
    const path = join(folder, "table.2.csv");
    const odd = join(folder, "odd names");
    mkdirSync(odd);
    for (const name of ["a, b.jpg", 'c "d".jpg', "e\nf.jpg"]) copyFileSync(cat, join(odd, name));
    await command("classify", odd, "--output", path, "--top-k", "1");
    const text = readFileSync(path, "utf8");
    const head =
      "image,bytes,modified,run,decode_ms,preprocess_ms,inference_ms,error,message,index_1,label_1,score_1\r\n";
    expect(text.startsWith(head)).toBe(true);
    for (const name of [`"${odd}/a, b.jpg",`, `"${odd}/c ""d"".jpg",`, `"${odd}/e\nf.jpg",`])
      expect(text).toContain(`\r\n${name}`);
    expect(text.match(/,cat,0\.\d+\r\n/g)).toHaveLength(3);
    writeFileSync(path, text.slice(0, -20));
    const again = await command("classify", odd, "--output", path, "--top-k", "1", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ images: 1, before: 2 });
    const untimed = (table: string) => table.replace(/,[\d.]+,[\d.]+,[\d.]+,,,/g, ",,,,,,");
    expect(untimed(readFileSync(path, "utf8"))).toBe(untimed(text));
  });
});

describe("--sort", () => {
  test("copies by class, again after a kill, and others of the same name beside", async () => {
    const sorted = join(folder, "sorted");
    const words = ["classify", many, few, "--sort", sorted, "--json"];
    await command(...words);
    const cats = readdirSync(join(sorted, "cat")).sort();
    // The four of the second folder are the same pictures under the same names.
    expect(cats).toEqual(names.filter((name) => name.includes("cat")).map((name) => name.slice(many.length + 1)));
    expect(readFileSync(join(sorted, "cat", cats[0]!)).equals(readFileSync(cat))).toBe(true);
    await command(...words);
    expect(readdirSync(join(sorted, "cat")).sort()).toEqual(cats);

    const other = join(folder, "other");
    mkdirSync(other);
    writeFileSync(join(other, "0000-cat.jpg"), Buffer.concat([readFileSync(cat), Buffer.from("more")]));
    await command("classify", other, "--sort", sorted);
    expect(readdirSync(join(sorted, "cat")).sort()).toEqual([
      expect.stringMatching(/^0000-cat-[\da-f]{8}\.jpg$/),
      ...cats,
    ]);
  });

  test("links", async () => {
    const linked = join(folder, "linked");
    await command("classify", few, "--sort", linked, "--link");
    await command("classify", few, "--sort", linked, "--link");
    const [name] = readdirSync(join(linked, "cat"));
    expect(lstatSync(join(linked, "cat", name!)).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(linked, "cat", name!)).equals(readFileSync(cat))).toBe(true);
    expect(await command("classify", few, "--link")).toMatchObject({ code: 2 });
  });
});

describe("which images", () => {
  const images = async (...words: string[]) =>
    lines(await command("classify", ...words, "--json")).map((line) => JSON.parse(line).image.slice(folder.length + 1));
  const tree = join(folder, "tree");
  beforeAll(() => {
    mkdirSync(join(tree, "b/c"), { recursive: true });
    for (const name of ["a.jpg", "b/1.png.jpg", "b/c/2.jpg", "z.jpg"]) copyFileSync(cat, join(tree, name));
    writeFileSync(join(tree, "b/notes.txt"), "");
  });

  test("--recursive, by name", async () => {
    expect(await images(tree)).toEqual(["tree/a.jpg", "tree/z.jpg"]);
    expect(await images(tree, "-r")).toEqual(["tree/a.jpg", "tree/b/1.png.jpg", "tree/b/c/2.jpg", "tree/z.jpg"]);
  });

  test("patterns", async () => {
    expect(await images(`${tree}/*.jpg`)).toEqual(["tree/a.jpg", "tree/z.jpg"]);
    expect(await images(`${tree}/**/*.jpg`)).toHaveLength(4);
    expect(await images(`${tree}/b/{1,2}*`)).toEqual(["tree/b/1.png.jpg"]);
    expect(await images(`${tree}/**/[12].jpg`)).toEqual(["tree/b/c/2.jpg"]);
    const none = await command("classify", `${tree}/*.gif`);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/Nothing matches .*\*\.gif/);
    copyFileSync(cat, join(tree, "[x].jpg"));
    expect(await images(join(tree, "[x].jpg"))).toEqual(["tree/[x].jpg"]);
  });

  test.each(["\n", "\r\n", "\0"])("a list on stdin, parted by %j", async (end) => {
    const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
    const child = spawn(process.execPath, [bin, "classify", "-", "--json", "--top-k", "1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stdin.end([names[0], names[1], few].join(end) + end);
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(6);
  });

  describe("addresses", () => {
    let server: Server;
    let address: string;
    beforeAll(async () => {
      server = createServer((request, response) => {
        if (request.url === "/cat.jpg") response.end(readFileSync(cat));
        else if (request.url === "/page") response.end("<!doctype html>");
        else response.writeHead(404).end();
      }).listen(0);
      await new Promise((resolve) => server.once("listening", resolve));
      address = `http://localhost:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => void server.close());

    test("are fetched; what fails is tried again next time", async () => {
      const path = join(folder, "addresses.jsonl");
      const words = ["classify", `${address}/cat.jpg`, `${address}/none.jpg`, `${address}/page`, "--output", path];
      expect((await command(...words, "--sort", join(folder, "fetched"))).code).toBe(1);
      const results = resultsIn(path) as {
        predictions?: { label: string }[];
        error?: { name: string; message: string };
      }[];
      expect(results[0]!.predictions![0]!.label).toBe("cat");
      expect(results[1]!.error).toEqual({
        name: "SourceError",
        message: expect.stringMatching(/none\.jpg could not be fetched: the answer is 404/),
      });
      expect(results[2]!.error!.name).toBe("ImageDecodeError");
      expect(readdirSync(join(folder, "fetched/cat"))).toEqual(["cat.jpg"]);
      const again = JSON.parse((await command(...words, "--json")).stdout);
      expect(again).toMatchObject({ images: 2, before: 1 });
      expect(resultsIn(path)).toHaveLength(3);
    });
  });
});

test("--version; --help of one command; of one that there is not", async () => {
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  expect(await command("--version")).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  for (const words of [
    ["pull", "--help"],
    ["help", "pull"],
  ]) {
    const { stdout } = await command(...words);
    expect(stdout).toMatch(/resnet-edge pull NAME/);
    expect(stdout).not.toMatch(/--top-k|--calibration/);
  }
  expect((await command("help", "clasify")).stderr).toMatch(/did you mean "classify"/);
});
