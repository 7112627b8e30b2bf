// The depthwise kernel alone beside what one core reads from its second cache: node --experimental-wasm-relaxed-simd bench/depthwise.mjs
// (after npm run build). Rates are the least times of short rounds in turns, each on the same buffers.
import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";
import { build } from "esbuild";

const root = new URL("../", import.meta.url);
const { Field, ConvField, ExtendedKernel, DepthwiseField } = await layout();
const relaxed = await compiles("extended-relaxed");
const variant = relaxed ? "extended-relaxed" : "extended-baseline";
const module = relaxed ?? (await compiles("extended-baseline"));
const memory = new WebAssembly.Memory({ initial: 256 });
const kernels = (await WebAssembly.instantiate(module, { env: { memory } })).exports;
const { sum } = (await WebAssembly.instantiate(await summing(), { env: { memory } })).exports;

const [RECORD, ZEROS, WEIGHTS, INPUT] = [8192, 12288, 65536, 1 << 20];
console.log(`${variant}; GB/s: each input and output value once; the roof: multiply-adds that never leave registers`);
for (const [side, channels, kernel, stride] of [
  [28, 96, 3, 1],
  [28, 144, 3, 1],
  [14, 384, 3, 1],
  [56, 96, 3, 2],
  [28, 96, 5, 1],
]) {
  const out = Math.ceil(side / stride);
  const [inBytes, outBytes] = [4 * side * side * channels, 4 * out * out * channels];
  const output = INPUT + Math.ceil(inBytes / 4096) * 4096 + 64;
  const words = new Int32Array(memory.buffer, RECORD, Field.size).fill(0);
  Object.assign(words, {
    [Field.kernel]: ExtendedKernel.depthwise,
    [Field.pieces]: out,
    [Field.input]: INPUT,
    [Field.output]: output,
    [Field.weights]: WEIGHTS,
    [Field.bias]: ZEROS,
    [Field.inHeight]: side,
    [Field.inWidth]: side,
    [Field.inStep]: channels,
    [Field.outHeight]: out,
    [Field.outWidth]: out,
    [Field.outStep]: channels,
    [ConvField.kernelHeight]: kernel,
    [ConvField.kernelWidth]: kernel,
    [ConvField.strideHeight]: stride,
    [ConvField.strideWidth]: stride,
    [ConvField.padHeight]: kernel >> 1,
    [ConvField.padWidth]: kernel >> 1,
    [DepthwiseField.strip]: 7,
  });
  new Float32Array(memory.buffer, WEIGHTS, (INPUT - WEIGHTS) >> 2).fill(0.01);
  new Float32Array(memory.buffer, INPUT, (output + outBytes - INPUT) >> 2).fill(1);
  const bytes = inBytes + outBytes;
  const rounds = Math.ceil(2e7 / bytes);
  const run = () => kernels.run(RECORD, 0, 1, 0);
  const read = () => sum(INPUT, INPUT + (bytes & ~127));
  const roof = () => kernels.peak(20000);
  const [kernelMs, readMs] = leastOf([run, read], rounds);
  const [roofMs] = leastOf([roof], 1);
  const flops = 2 * kernel * kernel * out * out * channels;
  const rate = (ms) => bytes / ms / 1e6;
  const share = flops / kernelMs / ((80 * 20000) / roofMs);
  console.log(
    `${side}x${side}x${channels}, ${kernel}x${kernel}, stride ${stride}: ${rate(kernelMs).toFixed(1)} GB/s, a sum reads ${rate(readMs).toFixed(1)} (${percent(readMs / kernelMs)}); ${percent(share)} of the roof`,
  );
}

function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}

/** The least time of one call of each, in ms, of rounds in turns. */
function leastOf(calls, rounds) {
  const least = calls.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < 60; turn++) {
    for (const [index, call] of calls.entries()) {
      const start = performance.now();
      for (let round = 0; round < rounds; round++) call();
      least[index] = Math.min(least[index], (performance.now() - start) / rounds);
    }
  }
  return least;
}

async function compiles(name) {
  try {
    return await WebAssembly.compile(await readFile(new URL(`dist/cpu-${name}.wasm`, root)));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return null;
    throw error;
  }
}

/** Words of records, as the compiler and the kernels have them. */
async function layout() {
  const contents = `export * from "./assembly/shared/record.ts"; export * from "./assembly/shared/extended.ts";`;
  const stdin = { contents, resolveDir: new URL(".", root).pathname, loader: "ts" };
  const { outputFiles } = await build({ stdin, bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

/** Eight chains of additions over a buffer, compiled as the kernels are. */
async function summing() {
  const chains = Array.from({ length: 8 }, (_, chain) => chain);
  const source = `export function sum(from: usize, end: usize): f32 {
  ${chains.map((chain) => `let s${chain} = f32x4.splat(0);`).join("\n  ")}
  for (; from < end; from += 128) {
    ${chains.map((chain) => `s${chain} = f32x4.add(s${chain}, v128.load(from, ${16 * chain}));`).join("\n    ")}
  }
  ${chains
    .slice(1)
    .map((chain) => `s0 = f32x4.add(s0, s${chain});`)
    .join("\n  ")}
  return f32x4.extract_lane(s0, 0);
}`;
  let wasm = null;
  const options = ["--outFile", "sum.wasm", "--enable", "simd", "--runtime", "stub", "--importMemory", "-O3"];
  const { error } = await asc.main(["sum.ts", ...options, "--noExportMemory"], {
    readFile: (name) => (name === "sum.ts" ? source : null),
    writeFile: (_, contents) => {
      wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw error;
  return WebAssembly.compile(wasm);
}
