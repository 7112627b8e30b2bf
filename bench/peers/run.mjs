// Opens one Chromium and compares engines in it: npm run bench:peers -- --models resnet18,resnet50 --rounds 21
import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { bundle, installPeers, root } from "./prepare.mjs";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "resnet18,resnet50" },
    rounds: { type: "string", default: "21" },
    simd: { type: "string", default: "relaxed" },
    "js-flags": { type: "string", default: "" },
    out: { type: "string" },
  },
});
installPeers();
await bundle("page.ts", "browser");

const folders = { "/peers/": "bench/peers/node_modules/", "/dist/": "dist/", "/out/": "bench/peers/out/" };
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  const prefix = Object.keys(folders).find((it) => pathname.startsWith(it));
  const file = prefix && fileURLToPath(new URL(folders[prefix] + pathname.slice(prefix.length), root));
  if (file && existsSync(file) && statSync(file).isFile()) {
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
    return;
  }
  response.setHeader("content-type", "text/html");
  response.end('<!doctype html><title>bench</title><script type="module" src="/out/page.js"></script>');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...(values["js-flags"] ? [`--js-flags=${values["js-flags"]}`] : []),
  ],
});
const results = [];
try {
  for (const model of values.models.split(",")) {
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction("globalThis.compare");
    const request = { model, rounds: Number(values.rounds), simd: values.simd };
    const measured = await page.evaluate((it) => globalThis.compare(it), request);
    await page.close();
    const { report } = await import(await bundle("rounds.ts", "node"));
    console.log(report(`\n${model}, one thread, Chromium ${browser.version()} ${values["js-flags"]}, ms`, measured));
    results.push({ model, ...request, browser: browser.version(), flags: values["js-flags"], measured });
  }
} finally {
  await browser.close();
  server.close();
}
if (values.out) {
  await mkdir(new URL("bench/results/", root), { recursive: true });
  await writeFile(new URL(`bench/results/${values.out}.json`, root), `${JSON.stringify(results, null, 2)}\n`);
}
