import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { root } from "../built.js";

const dist = new URL("dist/", root);
const gzip = (name: string) => gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;

/** Of what is imported later: the GPU path, and not the readers of rarer files. */
/** Their reader, and their lowering. */
const isInt8 = (text: string) => text.includes("takeScales") || text.includes("qs8_conv");
/** Their lowering. */
const isExtended = (text: string) => text.includes("f32_depthwise");
/** Their reader for plain convolutions, what other graphs need besides, and those of integers. */
const isOnnx = (text: string) => text.includes("auto_pad") && !text.includes("LayerNormalization");
const isMoreOfOnnx = (text: string) => isOnnx(text) || text.includes("LayerNormalization");
const isAllOfOnnx = (text: string) => isMoreOfOnnx(text) || text.includes("QLinearConv");
const isGpu = (text: string) => text.includes("createComputePipelineAsync");

/** Every script that `entry` reaches: static imports, workers by their literal addresses, and what is imported later where asked for. */
function reachable(entry: string, later: (text: string) => boolean): string[] {
  const found = [entry];
  for (const name of found) {
    const text = readFileSync(new URL(name, dist), "utf8");
    for (const [, dynamic, next] of text.matchAll(/(\bimport\()?["'`]\.\/([\w.-]+\.js)["'`]/g)) {
      const wanted = !dynamic || later(readFileSync(new URL(next!, dist), "utf8"));
      if (wanted && !found.includes(next!)) found.push(next!);
    }
  }
  return found;
}

/** Kernels; the module of pixels is Node's alone. */
const modules = readdirSync(dist).filter((name) => /^cpu-.*\.wasm$/.test(name));

/** What a module's name says. */
const kindOf = new Map([
  [isInt8, "int8-"],
  [isExtended, "extended-"],
]);
const isOf = (later: (text: string) => boolean) => (name: string) =>
  /^cpu-(.*?)(?:baseline|relaxed)/.exec(name)![1] === (kindOf.get(later) ?? "");

test.each([
  ["on the CPU", 60, () => false],
  ["with the GPU path", 85, isGpu],
  ["with a model of integers", 68, isInt8],
  ["with a network beside the plain ResNets", 66, isExtended],
])("what a page needs to classify %s is at most %i KB gzip", (_, budget, later) => {
  const scripts = reachable("index.js", later);
  const own = modules.filter(isOf(later));
  expect(own).toHaveLength(4);
  const bytes = scripts.reduce((sum, name) => sum + gzip(name), Math.max(...own.map(gzip)));
  console.log(`${scripts.join(" + ")} + one wasm: ${(bytes / 1024).toFixed(1)} KB gzip`);
  expect(bytes).toBeLessThanOrEqual(budget * 1024);
});

test("README and docs/figures.md state the sizes that were built", () => {
  const kinds = [() => false, isInt8, isGpu];
  const sizes = kinds.map((later) => {
    const own = modules.filter(isOf(later));
    const bytes = reachable("index.js", later).reduce((sum, name) => sum + gzip(name), Math.max(...own.map(gzip)));
    return bytes / 1024;
  });
  const read = (path: string) => readFileSync(new URL(path, root), "utf8");
  const figures = /(\d+) KB; (\d+) KB; (\d+) KB/.exec(read("docs/figures.md"))!.slice(1).map(Number);
  const readme = [/in (\d+) KB;/, /gzip +\| (\d+) KB/].map((stated) => Number(stated.exec(read("README.md"))![1]));
  expect(readme).toEqual([figures[0], figures[0]]);
  for (const [index, stated] of figures.entries()) expect(Math.abs(stated - sizes[index]!)).toBeLessThan(1);
});

test.each([
  ["plain ONNX models", 12, isOnnx],
  ["any ONNX model", 26, isMoreOfOnnx],
  ["ONNX models of integers", 29, isAllOfOnnx],
])("the reader of %s adds at most %i KB gzip", (_, budget, later) => {
  const without = reachable("index.js", () => false);
  const added = reachable("index.js", later).filter((name) => !without.includes(name));
  const bytes = added.reduce((sum, name) => sum + gzip(name), 0);
  console.log(`${added.join(" + ")}: ${(bytes / 1024).toFixed(1)} KB gzip`);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(budget * 1024);
});

test.each([
  ["page.js", 6],
  ["worker.js", 4],
  ["thread.js", 2],
])("%s, with what it starts, is at most %i files", (entry, files) => {
  const found = reachable(entry, () => false);
  expect(found.length, found.join(" + ")).toBeLessThanOrEqual(files);
});

test("a thread's script is at most 1 KB gzip: it has nothing of the session's", () => {
  expect(reachable("thread.js", () => false).reduce((sum, name) => sum + gzip(name), 0)).toBeLessThanOrEqual(1024);
});

test("what a page imports to quantize is small, and never the worker's script, which would start there", () => {
  const found = ["quantize.js"];
  for (const name of found) {
    const text = readFileSync(new URL(name, dist), "utf8");
    for (const [, next] of text.matchAll(/(?:\bimport\(?|\bfrom)\s*["'`]\.\/([\w.-]+\.js)["'`]/g))
      if (!found.includes(next!)) found.push(next!);
  }
  expect(found.length).toBeGreaterThan(1);
  expect(found).not.toContain("quantize-worker.js");
  expect(gzip("quantize.js")).toBeLessThanOrEqual(6 << 10);
});

test.each(["index.js", "page.js", "service-worker.js"])(
  "%s exports what its declarations say, and nothing else",
  async (entry) => {
    const declared = await import("../../src/entry/public-browser.js");
    const found = await import(/* @vite-ignore */ new URL(entry, dist).href);
    expect(Object.keys(found).sort()).toEqual([...Object.keys(declared), "loadClassifier", "loadModel"].sort());
  },
);

const strict = [/\beval\(/, /new Function\b/, /\bdocument\./, /["']node:/];

test.each(reachable("index.js", () => true))("%s holds nothing that a strict page refuses", (name) => {
  const text = readFileSync(new URL(name, dist), "utf8");
  for (const banned of strict) expect(text).not.toMatch(banned);
  // What is imported later lies beside it.
  for (const [found] of text.matchAll(/\bimport\([^)]*\)/g)) expect(found).toMatch(/^import\("\.\/[\w.-]+\.js"\)$/);
});

test.each(reachable("service-worker.js", () => false))("%s imports nothing later: a service worker may not", (name) => {
  // Workers, which it cannot start, are of its closure but run elsewhere.
  if (name === "worker.js") return;
  expect(readFileSync(new URL(name, dist), "utf8")).not.toMatch(/\bimport\(/);
});
