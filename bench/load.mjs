// What loading a ResNet-50 costs: npm run bench:load. Writes a safetensors file of torchvision's names and shapes to a
// temporary folder, loads it in fresh processes, and prints time to ready and the peak of resident memory.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { median } from "./median.mjs";

const self = fileURLToPath(import.meta.url);
const root = new URL("../", import.meta.url);

if (process.argv[2] === "child") {
  const { loadModel } = await import(new URL("dist/node.js", root).href);
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const model = await loadModel(process.argv[3], { threads: 1, device: "cpu" });
  const ms = performance.now() - start;
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  console.log(JSON.stringify({ ms, peak, wasm: model.stats.wasmBytes }));
  await model.close();
} else {
  const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
  try {
    const path = join(folder, "resnet50.safetensors");
    write(path);
    const file = statSync(path).size;
    const results = Array.from({ length: 5 }, () => JSON.parse(execFileSync(process.execPath, [self, "child", path])));
    const ms = results.map((it) => it.ms);
    const { wasm } = results[0];
    const peak = median(results.map((it) => it.peak));
    const bundled = fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root));
    const engine = JSON.parse(execFileSync(process.execPath, [self, "child", bundled])).peak;
    const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(`ResNet-50, ${mb(file)} of safetensors, one thread, Node ${process.version}, 5 fresh processes`);
    console.log(
      `time to ready     ${median(ms).toFixed(0)} ms median, ${Math.min(...ms).toFixed(0)} to ${Math.max(...ms).toFixed(0)} (limit 1,000)`,
    );
    console.log(
      `resident memory   ${mb(peak)} at its peak over the start, ${mb(engine)} of which the engine itself takes (a 1 MB model);\n` +
        `                  wasm ${mb(wasm)} + the file ${mb(file)} = ${mb(wasm + file)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** torchvision's tensors in small pseudo-random values; variances are positive. */
function write(path) {
  const ten = JSON.parse(gunzipSync(readFileSync(new URL("test/fixtures/networks/torchvision.json.gz", root))));
  const header = {};
  let at = 0;
  const tensors = Object.entries(ten.resnet50.tensors).map(([name, shape]) => {
    const integer = name.endsWith("num_batches_tracked");
    const length = shape.reduce((product, extent) => product * extent, integer ? 8 : 4);
    header[name] = { dtype: integer ? "I64" : "F32", shape, data_offsets: [at, at + length] };
    at += length;
    return { name, length, integer };
  });
  const text = JSON.stringify(header);
  const padded = Buffer.from(text + " ".repeat((8 - (Buffer.byteLength(text) % 8)) % 8));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  const handle = openSync(path, "w");
  writeSync(handle, size);
  writeSync(handle, padded);
  let seed = 1;
  for (const { name, length, integer } of tensors) {
    const values = new Float32Array(length / 4);
    if (!integer) {
      for (let index = 0; index < values.length; index++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
        values[index] = name.endsWith("running_var") ? 1 : seed / 2 ** 36;
      }
    }
    writeSync(handle, new Uint8Array(values.buffer));
  }
  closeSync(handle);
}
