import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium } from "../browser/chromium.js";
import { shared, site } from "./site.mjs";

const script = `import { loadClassifier } from "/resnet-edge/index.js";
  globalThis.answer = loadClassifier(undefined, { device: "cpu" }).then(
    (it) => ({ reason: it.stats.threadsReason }),
    ({ name, message }) => ({ name, message }),
  );`;
const files = (path: string) => {
  if (path === "/") return Buffer.from('<!doctype html><script type="module" src="/main.js"></script>');
  return path === "/main.js" ? Buffer.from(script) : shared(path);
};

const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const strict = (more: string) => ({ "content-security-policy": `default-src 'self'; ${more}` });

describe.skipIf(noChromium)(`what a page's policies forbid${noChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function answer(headers: Parameters<typeof site>[1]): Promise<Record<string, string>> {
    const served = await site(files, headers);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${served.port}/`);
    const found = await page.evaluate("answer");
    await page.close();
    served.close();
    return found as Record<string, string>;
  }

  test("WebAssembly: a WasmError that says what to add", async () => {
    const { name, message } = await answer(strict("script-src 'self'"));
    expect(name).toBe("WasmError");
    expect(message).toMatch(/'wasm-unsafe-eval' in script-src/);
  });

  test("workers: in place, and why", async () => {
    const { reason } = await answer(strict("script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'"));
    expect(reason).toMatch(/in place: .*worker-src/);
  });

  test("a worker without Cross-Origin-Embedder-Policy: in place, and why", async () => {
    const { reason } = await answer((path) => (path === "/resnet-edge/worker.js" ? {} : isolation));
    expect(reason).toMatch(/in place: .*Cross-Origin-Embedder-Policy/);
  });
});
