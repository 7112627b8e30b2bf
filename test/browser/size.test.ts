import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { root } from "../built.js";

const dist = new URL("dist/", root);
const gzip = (name: string) => gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;

/** Every script that index.js reaches: static imports, and workers by their literal addresses. */
function reachable(): string[] {
  const found = ["index.js"];
  for (const name of found) {
    const text = readFileSync(new URL(name, dist), "utf8");
    for (const [, next] of text.matchAll(/["'`]\.\/([\w.-]+\.js)["'`]/g)) if (!found.includes(next!)) found.push(next!);
  }
  return found;
}

test("what a page needs to classify on the CPU is at most 60 KB gzip", () => {
  const scripts = reachable();
  const modules = readdirSync(dist).filter((name) => name.endsWith(".wasm"));
  expect(modules).toHaveLength(4);
  const largest = Math.max(...modules.map(gzip));
  const bytes = scripts.reduce((sum, name) => sum + gzip(name), largest);
  console.log(`${scripts.join(" + ")} + one wasm: ${(bytes / 1024).toFixed(1)} KB gzip`);
  expect(bytes).toBeLessThanOrEqual(60 * 1024);
});

test.each(reachable())("%s holds nothing that a strict page or a service worker refuses", (name) => {
  const text = readFileSync(new URL(name, dist), "utf8");
  for (const banned of [/\beval\(/, /new Function\b/, /\bdocument\./, /createObjectURL/, /["']node:/, /\bimport\(/]) {
    expect(text).not.toMatch(banned);
  }
});
