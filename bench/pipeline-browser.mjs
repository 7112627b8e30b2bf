// From a picture's file to its answer, in Chromium and in Node: figures of the whole way, each beside the figure that it should reach,
// then transformers.js and MediaPipe on the same pictures and weights, one after the other, each in a browser of its own.
// npm run bench:pipeline -- --browser --images DIR --model FILE [--rounds 3] [--peer]
import { createReadStream, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { median } from "./median.mjs";
import { bundle, installBrowserPeers } from "./peers/prepare.mjs";
import { treeOf } from "./process-tree.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const TICKS_A_SECOND = 100;
const PEERS = ["transformers.js", "MediaPipe"];
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** `work`: an empty folder that is removed afterwards. */
export async function inBrowser({ images, model, rounds, peer }, work) {
  if (!model) throw new Error("--browser needs --model FILE, of safetensors.");
  const names = readdirSync(images)
    .filter((name) => /\.jpe?g$/i.test(name))
    .slice(0, 50);
  if (names.length === 0) throw new Error(`${images} has no JPEGs.`);
  mkdirSync(join(work, "whole"), { recursive: true });
  const large = join(work, "large.jpg");
  await sharp(join(images, names[0])).resize(4000, 3000, { fit: "fill" }).jpeg({ quality: 90 }).toFile(large);
  const middle = join(work, "middle.jpg");
  await sharp(join(images, names[0])).resize(500, 375, { fit: "fill" }).jpeg({ quality: 90 }).toFile(middle);
  await bundle("pipeline-page.ts", "browser");

  const node = JSON.parse(await outputOf([await bundle("pipeline-rows.ts", "node"), resolve(model), middle, large]));
  if (peer) {
    installBrowserPeers();
    const words = [await bundle("pipeline-model.ts", "node"), resolve(model), join(work, "model.onnx")];
    await outputOf([...words, join(work, "whole")]);
  }
  const folders = {
    "/peers/": join(root, "bench/peers/browser/node_modules/"),
    "/dist/": join(root, "dist/"),
    "/out/": join(root, "bench/peers/out/"),
    "/whole/": join(work, "whole/"),
    "/images/": join(resolve(images), "/"),
  };
  const files = { "/model.safetensors": resolve(model), "/large.jpg": large, "/middle.jpg": middle };
  const server = createServer((request, response) => {
    const pathname = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    const prefix = Object.keys(folders).find((it) => pathname.startsWith(it));
    const file = files[pathname] ?? (prefix && folders[prefix] + pathname.slice(prefix.length));
    if (file && existsSync(file) && statSync(file).isFile()) {
      response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
      createReadStream(file).pipe(response);
    } else if (pathname === "/") {
      response.setHeader("content-type", "text/html");
      const imports = {
        "onnxruntime-web/webgpu": "/peers/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs",
        "onnxruntime-common": "/peers/onnxruntime-common/dist/esm/index.js",
      };
      response.end(
        `<!doctype html><title>bench</title><script type="importmap">${JSON.stringify({ imports })}</script><script type="module" src="/out/pipeline-page.js"></script>`,
      );
    } else response.writeHead(404).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const address = `http://127.0.0.1:${server.address().port}/`;
  try {
    const page = await withBrowser(address, (it) => it.evaluate("measureRows()"));
    printRows({ ...node, ...page.result });
    const paths = names.map((name) => `/images/${encodeURIComponent(name)}`);
    const engines = ["resnet-edge", ...(peer ? PEERS : [])];
    const times = new Map(engines.map((engine) => [engine, []]));
    let answers = null;
    console.log(
      `\n${names.length} JPEGs from their blobs to answers, ${rounds} rounds in turns, each engine with its own defaults`,
    );
    for (let round = 0; round < rounds; round++) {
      for (const engine of [...engines]) {
        const word = `measureEngine(${JSON.stringify(engine)}, ${JSON.stringify(paths)})`;
        const run = await withBrowser(address, (it) => it.evaluate(word)).catch((error) => ({ error }));
        if (run.error) {
          console.log(`${engine.padEnd(16)} does not run here: ${run.error.message.split("\n")[0]}`);
          engines.splice(engines.indexOf(engine), 1);
          continue;
        }
        const { ms, best, seconds } = run.result;
        answers ??= best;
        times.get(engine).push(ms);
        const same = best.filter((index, at) => index === answers[at]).length;
        console.log(
          `${engine.padEnd(16)} ${ms.toFixed(1).padStart(6)} ms a picture  ${run.busy(seconds).toFixed(2)} cores  ${run.megabytes.toFixed(0).padStart(5)} MB  ${same} of ${best.length} as resnet-edge`,
        );
      }
    }
    for (const engine of engines.slice(1)) {
      const ratios = times.get(engine).map((ms, round) => ms / times.get("resnet-edge")[round]);
      console.log(
        `${engine.padEnd(16)} median of the ratios of times: ${median(ratios).toFixed(2)} times resnet-edge's`,
      );
    }
  } finally {
    server.close();
  }
}

/** What a page answers, with cores and memory of the browser and all its processes meanwhile. */
async function withBrowser(address, ask) {
  const server = await chromium.launchServer({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
      ...["--use-fake-device-for-media-stream=fps=60", "--use-fake-ui-for-media-stream"],
    ],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  const ticks = new Map();
  let [most, before] = [0, 0];
  const sum = () => [...ticks.values()].reduce((all, it) => all + it, 0);
  const look = setInterval(() => {
    most = Math.max(most, treeOf(server.process().pid, ticks));
  }, 200);
  try {
    const page = await browser.newPage();
    await page.goto(address);
    // Loading and first answers are before that.
    await page.exposeFunction("begin", () => {
      treeOf(server.process().pid, ticks);
      before = sum();
    });
    await page.exposeFunction("traceBegin", () =>
      browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] }),
    );
    await page.exposeFunction("traceEnd", async () => longestTask(JSON.parse(await browser.stopTracing())));
    await page.waitForFunction("globalThis.measureRows");
    const result = await ask(page);
    treeOf(server.process().pid, ticks);
    const cpu = (sum() - before) / TICKS_A_SECOND;
    return { result, megabytes: most / 1e6, busy: (seconds) => cpu / seconds };
  } finally {
    clearInterval(look);
    await browser.close();
    await server.close();
  }
}

/** Of the pages' own threads, in ms of the CPU: what other processes take of it does not count. */
function longestTask({ traceEvents }) {
  const isMain = ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain";
  const threads = new Set(traceEvents.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid }) => name === "RunTask" && threads.has(`${pid} ${tid}`));
  if (tasks.length === 0) throw new Error("The trace has no task of a page's.");
  return Math.max(...tasks.map(({ tdur, dur }) => tdur ?? dur)) / 1000;
}

async function outputOf(words) {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve, reject) => {
    execFile(process.execPath, words, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
  });
}

function printRows(found) {
  const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const rows = [
    ["resize, crop, normalise, one thread, 500x375", ms(found.middlePrepare), "0.8 ms"],
    ["the same, 4000x3000", ms(found.largePrepare), "12 ms"],
    ["12-megapixel JPEG, Node, of decoder and inference", found.nodeLarge.toFixed(2), "1.25"],
    ["12-megapixel JPEG, Chromium, likewise", found.pageLarge.toFixed(2), "1.25"],
    ["classify(blob), 500x375, Chromium, beyond inference", ms(found.beyond), "4 ms"],
    ["the page's longest task meanwhile", ms(found.held), "4 ms"],
    ["camera 1280x720, of inference alone beside the video", `${(100 * found.camera).toFixed(0)} %`, "95 %"],
  ];
  console.log(`${"what".padEnd(52)} ${"measured".padStart(10)} ${"wanted".padStart(8)}`);
  for (const [what, measured, wanted] of rows) {
    console.log(`${what.padEnd(52)} ${measured.padStart(10)} ${wanted.padStart(8)}`);
  }
  console.log(found.cameraAnswers);
  console.log(`(inference: ${ms(found.nodeInference)} in Node, ${ms(found.inference)} in Chromium, one thread)`);
}
