// Opens one Chromium and compares engines in it: npm run bench:peers -- --models resnet18,resnet50 --rounds 21
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { cpus } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { environments } from "./avx2.mjs";
import { bundle, installPeers, root } from "./prepare.mjs";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "resnet18,resnet34,resnet50,resnet20" },
    engines: { type: "string", default: "resnet-edge,litert,tfjs,ort" },
    rounds: { type: "string", default: "21" },
    threads: { type: "string", default: "1" },
    simd: { type: "string", default: "relaxed" },
    device: { type: "string", default: "cpu" },
    native: { type: "boolean", default: false },
    "js-flags": { type: "string", default: "" },
    out: { type: "string" },
  },
});
installPeers();
await Promise.all([bundle("page.ts", "browser"), bundle("litert.mjs", "browser"), bundle("tfjs.mjs", "browser")]);
const { report } = await import(await bundle("rounds.ts", "node"));
const native = values.native ? await bundle("native.ts", "node") : null;

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

const gpu = values.device === "gpu";
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...(gpu ? ["--enable-unsafe-webgpu", `--use-webgpu-adapter=${process.env.WEBGPU_ADAPTER ?? "swiftshader"}`] : []),
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
    const request = {
      model,
      rounds: Number(values.rounds),
      simd: values.simd,
      threads: Number(values.threads),
      device: values.device,
      engines: values.engines.split(","),
      tolerance: 1e-3,
    };
    const measured = await page.evaluate((it) => globalThis.compare(it), request);
    await page.close();
    for (const [vectors, env] of native ? Object.entries(environments()) : []) {
      const words = ["--model", model, "--rounds", values.rounds, "--threads", values.threads, "--vectors", vectors];
      const said = execFileSync(process.execPath, [native, ...words], { encoding: "utf8", env });
      measured.push(JSON.parse(said.trim().split("\n").at(-1)));
    }
    const title = `\n${model}, ${values.threads} thread(s), Chromium ${browser.version()} ${values["js-flags"]}, ms`;
    console.log(report(title, measured));
    results.push({
      ...request,
      browser: browser.version(),
      flags: values["js-flags"],
      cpu: cpus()[0]?.model ?? "",
      date: new Date().toISOString().slice(0, 10),
      measured,
    });
  }
} finally {
  await browser.close();
  server.close();
}
if (values.out) {
  await mkdir(new URL("bench/results/", root), { recursive: true });
  await writeFile(new URL(`bench/results/${values.out}.json`, root), `${JSON.stringify(results, null, 2)}\n`);
}
