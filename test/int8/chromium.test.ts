import { readFileSync } from "node:fs";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium } from "../browser/chromium.js";
import { setups } from "./run-record.js";

describe.skipIf(noChromium).each([
  ["", []],
  [", without AVX-VNNI", ["--js-flags=--no-enable-avx-vnni"]],
  [", with vectors fused", ["--js-flags=--wasm-revectorize"]],
])(`Chromium%s${noChromium}`, (_, flags) => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launch(...flags);
    page = await browser.newPage();
    const stdin = { contents: `export { problemsOf } from "./cases.js";`, resolveDir: import.meta.dirname };
    const { outputFiles } = await build({ stdin, bundle: true, format: "iife", globalName: "kernels", write: false });
    await page.addScriptTag({ content: outputFiles[0]!.text });
  });
  afterAll(() => browser?.close());

  // Without a dot product of bytes nothing is another there.
  const own = flags[0]?.includes("vnni") ? setups.filter(({ dot }) => dot) : setups;
  test.each(own)("$simd, $name: as plain sums, to the bit", async (setup) => {
    const bytes = ["int8", "int8-extended"].map((kind) =>
      readFileSync(new URL(`../../dist/cpu-${kind}-${setup.simd}.wasm`, import.meta.url)).toString("base64"),
    );
    const problems = await page.evaluate(
      async ([setup, bytes]) => {
        const compiled = (text: string) =>
          WebAssembly.compile(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
        const { kernels } = globalThis as unknown as { kernels: typeof import("./cases.js") };
        return kernels.problemsOf(setup, await compiled(bytes[0]!), await compiled(bytes[1]!));
      },
      [setup, bytes] as const,
    );
    expect(problems).toEqual([]);
  });
});
