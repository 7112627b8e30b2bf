// From a warm HTTP cache, import to first prediction: npm run bench:cold -- --model resnet18 --visits 9 [--dtype int8]
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { bundle, installPeers, root } from "./prepare.mjs";

/** For as long as a browser is busy after it opened a tab. */
const SETTLE_MS = 2000;

const { values } = parseArgs({
  options: {
    dtype: { type: "string", default: "f32" },
    model: { type: "string", default: "resnet18" },
    visits: { type: "string", default: "9" },
    /** In int8 a name that ends with "-f32" stands for that engine's float network. */
    engines: { type: "string", default: "resnet-edge,litert,ort" },
  },
});
const int8 = values.dtype === "int8";
installPeers();
await Promise.all([bundle("cold-page.ts", "browser"), bundle("litert.mjs", "browser")]);
const models = fileURLToPath(new URL("bench/peers/models", root));
if (int8) {
  const write = await bundle("int8-models.ts", "node");
  execFileSync(process.execPath, [write, "--model", values.model, "--folder", models], { stdio: "inherit" });
} else if (!existsSync(`${models}/${values.model}.tflite`)) {
  execFileSync(process.execPath, [await bundle("models.ts", "node"), values.model, models]);
}
const folders = {
  "/peers/": "bench/peers/node_modules/",
  "/dist/": "dist/",
  "/out/": "bench/peers/out/",
  "/models/": "bench/peers/models/",
};
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const prefix = Object.keys(folders).find((it) => pathname.startsWith(it));
  const file = prefix && fileURLToPath(new URL(folders[prefix] + pathname.slice(prefix.length), root));
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  if (file && existsSync(file) && statSync(file).isFile()) {
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("cache-control", "public, max-age=31536000, immutable");
    response.setHeader("content-length", statSync(file).size);
    createReadStream(file).pipe(response);
    return;
  }
  response.setHeader("content-type", "text/html");
  response.end('<!doctype html><title>cold</title><script type="module" src="/out/cold-page.js"></script>');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disk-cache-size=2000000000",
  ],
});
const context = await browser.newContext();
const engines = values.engines.split(",");
/** The function of the page and the file of an engine that was asked for. */
const asked = (name) => {
  if (!int8) return [name, values.model];
  const float = name.endsWith("-f32");
  return [float ? name.slice(0, -4) : name, `${values.model}-${float ? "f32" : "int8"}`];
};
const times = Object.fromEntries(engines.map((name) => [name, []]));
try {
  // Two visits that do not count fill the HTTP cache and the code cache.
  for (let visit = -2; visit < Number(values.visits); visit++) {
    for (const name of engines) {
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      await page.waitForFunction("globalThis.cold");
      // A new tab makes the browser load pages of its own interface, which would be measured along.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const { ms } = await page.evaluate(([engine, model]) => globalThis.cold(engine, model), asked(name));
      if (visit >= 0) times[name].push(ms);
      await page.close();
    }
  }
} finally {
  await browser.close();
  server.close();
}
console.log(`${values.model}, ${values.dtype}, warm HTTP cache, one thread: import to first prediction, ms`);
for (const name of engines) {
  const sorted = times[name].sort((a, b) => a - b);
  const [median, ours] = [sorted[sorted.length >> 1], times[engines[0]][times[engines[0]].length >> 1]];
  console.log(
    `${name.padEnd(16)} ${median.toFixed(0).padStart(6)}  min ${sorted[0].toFixed(0).padStart(5)}  ${(median / ours).toFixed(2)}x`,
  );
}
