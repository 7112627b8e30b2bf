// Opens Chromium and compares engines in it: npm run bench:peers -- --models resnet18,resnet50 --rounds 21
// With --dtype int8, once for each set of flags; --imagenet DIR: on DIR/images, with DIR/MODEL.safetensors where it is there.
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { cpus } from "node:os";
import { extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { environments } from "./avx2.mjs";
import { bundle, installPeers, root } from "./prepare.mjs";

/** Of V8: as it is; as on processors without VNNI; with two vectors in one, where the processor has such. */
const INT8_FLAGS = ["", "--no-enable-avx-vnni", "--wasm-revectorize"];
const ENGINES = { f32: "resnet-edge,litert,tfjs,ort", int8: "resnet-edge,resnet-edge-f32,litert,ort" };
const MODELS = {
  f32: "resnet18,resnet34,resnet50,resnet20,mobilenet_v2,efficientnet_lite0",
  int8: "resnet18,resnet50,mobilenet_v2,efficientnet_lite0",
};

const { values } = parseArgs({
  options: {
    dtype: { type: "string", default: "f32" },
    models: { type: "string" },
    engines: { type: "string" },
    rounds: { type: "string", default: "21" },
    threads: { type: "string", default: "1" },
    simd: { type: "string", default: "relaxed" },
    device: { type: "string", default: "cpu" },
    native: { type: "boolean", default: false },
    /** As often as wanted: a browser for each. */
    "js-flags": { type: "string", multiple: true },
    imagenet: { type: "string" },
    out: { type: "string" },
  },
});
const { dtype, threads, rounds } = values;
if (!(dtype in ENGINES)) throw new Error(`--dtype ${dtype}: ${Object.keys(ENGINES).join(" or ")}`);
const models = (values.models ?? MODELS[dtype]).split(",");
const engines = (values.engines ?? ENGINES[dtype]).split(",");
const flagSets = values["js-flags"] ?? (dtype === "int8" ? INT8_FLAGS : [""]);

installPeers();
await Promise.all([bundle("page.ts", "browser"), bundle("litert.mjs", "browser"), bundle("tfjs.mjs", "browser")]);
const { report } = await import(await bundle("rounds.ts", "node"));
const { describe } = await import(await bundle("agreement.ts", "node"));
const native = values.native ? await bundle("native.ts", "node") : null;
const folder = fileURLToPath(new URL("bench/peers/models", root));
if (dtype === "int8") {
  const write = await bundle("int8-models.ts", "node");
  const pictures = values.imagenet ? ["--imagenet", resolve(values.imagenet)] : [];
  for (const model of models) {
    execFileSync(process.execPath, [write, "--model", model, "--folder", folder, ...pictures], { stdio: "inherit" });
  }
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
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const results = [];
try {
  for (const flags of flagSets) await compareWith(flags);
} finally {
  server.close();
}
if (values.out) {
  await mkdir(new URL("bench/results/", root), { recursive: true });
  await writeFile(new URL(`bench/results/${values.out}.json`, root), `${JSON.stringify(results, null, 2)}\n`);
}

async function compareWith(flags) {
  const gpu = values.device === "gpu";
  const adapter = process.env.WEBGPU_ADAPTER ?? "swiftshader";
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(gpu ? ["--enable-unsafe-webgpu", `--use-webgpu-adapter=${adapter}`] : []),
      ...(flags ? [`--js-flags=${flags}`] : []),
    ],
  });
  try {
    for (const model of models) {
      const page = await browser.newPage();
      page.on("pageerror", (error) => console.error(error));
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      await page.waitForFunction("globalThis.compare");
      const request = {
        model,
        dtype,
        rounds: Number(rounds),
        simd: values.simd,
        threads: Number(threads),
        device: values.device,
        engines,
        tolerance: 1e-3,
      };
      const measured = await page.evaluate((it) => globalThis.compare(it), request);
      await page.close();
      for (const [vectors, env] of native ? Object.entries(environments(dtype)) : []) {
        const words = ["--model", model, "--rounds", rounds, "--threads", threads, "--vectors", vectors];
        words.push("--dtype", dtype, "--folder", folder);
        const said = execFileSync(process.execPath, [native, ...words], { encoding: "utf8", env });
        measured.push(JSON.parse(said.trim().split("\n").at(-1)));
      }
      console.log(`\n${model}, ${dtype}, ${threads} thread(s), Chromium ${browser.version()} ${flags}`);
      for (const { name, agreement } of measured) if (agreement) console.log(`${name}: ${describe(agreement)}`);
      console.log(report("ms", measured));
      results.push({
        ...request,
        ...(dtype === "int8" ? { pictures: values.imagenet ? "photographs" : "noise" } : {}),
        browser: browser.version(),
        flags,
        cpu: cpus()[0]?.model ?? "",
        date: new Date().toISOString().slice(0, 10),
        measured,
      });
    }
  } finally {
    await browser.close();
  }
}
