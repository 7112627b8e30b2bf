// The product of bytes alone, a ResNet-50's 1x1 shapes, beside multiply-adds that never leave registers: npm run bench:int8-gemm
// (after npm run build). In Chromium, with each set of flags; rates are the least times of short rounds in turns. Tiles have roofs of
// their own: 6x8 the dot product of bytes, 4x8 the five instructions that two of them take where there is no VNNI, wide that of sixteen bits.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import asc from "assemblyscript/asc";
import { build } from "esbuild";
import { chromium } from "playwright-core";

/** Of V8: as it is; as on processors without VNNI. */
const FLAGS = ["", "--no-enable-avx-vnni"];
/** Height and width, input channels, output channels. */
const SHAPES = [
  [56, 256, 64],
  [56, 64, 256],
  [28, 512, 128],
  [28, 128, 512],
  [14, 1024, 256],
  [14, 256, 1024],
  [7, 2048, 512],
  [7, 512, 2048],
];
/** Input rows of a piece stay in the second cache, as where the engine cuts them. */
const ROWS_BYTES = 256 * 1024;

const root = new URL("../", import.meta.url);
const names = await layout();
const kernels = await base64(await readFile(new URL("dist/cpu-int8-relaxed.wasm", root)));
const registers = await base64(await roof());
const server = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  // Isolated pages have the finer clock.
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  response.end("<!doctype html><title>int8 products</title>");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
try {
  for (const flags of FLAGS) await measureWith(flags);
} finally {
  server.close();
}

async function measureWith(flags) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-quic", "--no-first-run", ...(flags ? [`--js-flags=${flags}`] : [])],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    console.log(`\nChromium ${browser.version()} ${flags}: GMAC/s, and the share of the roof`);
    for (const shape of SHAPES) {
      const rows = Object.entries(await page.evaluate(measure, { kernels, registers, names, shape, ROWS_BYTES }));
      const text = rows.map(([tile, { rate, share }]) => `${tile} ${rate.toFixed(0)} (${(100 * share).toFixed(0)} %)`);
      const [side, depth, out] = shape;
      console.log(`${side}x${side}, ${depth} to ${out} channels: ${text.join(", ")}`);
    }
  } finally {
    await browser.close();
  }
}

/** Runs in the page: the rate of each tile, and its share of what the registers alone reach, of rounds in turns. */
async function measure({ kernels, registers, names, shape: [side, depth, out], ROWS_BYTES }) {
  const { Kernel, Field, ConvField, Tile } = names;
  const memory = new WebAssembly.Memory({ initial: 256 });
  const open = async (text) => {
    const bytes = await (await fetch(`data:application/wasm;base64,${text}`)).arrayBuffer();
    return (await WebAssembly.instantiate(bytes, { env: { memory } })).instance.exports;
  };
  const { run } = await open(kernels);
  const { dots, quads, wide } = await open(registers);
  new Uint16Array(memory.buffer, 4096, 8).fill(1);
  const pixels = side * side;
  const [RECORD, ZEROS, BIAS, WEIGHTS] = [8192, 16384, 32768, 1 << 20];
  const input = WEIGHTS + 4 * depth * out;
  const output = input + pixels * depth + 4096;
  const scratch = output + pixels * out + 4096;
  const rowsPerPiece = Math.min(Math.ceil(pixels / 4) * 4, Math.floor(ROWS_BYTES / depth / 12) * 12);
  const words = {
    [Field.kernel]: Kernel.qs8Conv,
    [Field.pieces]: Math.ceil(pixels / rowsPerPiece),
    [Field.input]: input,
    [Field.output]: output,
    [Field.weights]: WEIGHTS,
    [Field.bias]: BIAS,
    [Field.zeros]: ZEROS,
    [Field.relu]: 1,
    [Field.inHeight]: side,
    [Field.inWidth]: side,
    [Field.inStep]: depth / 4,
    [Field.outHeight]: side,
    [Field.outWidth]: side,
    [Field.outStep]: out / 4,
    ...{ [ConvField.kernelHeight]: 1, [ConvField.kernelWidth]: 1 },
    ...{ [ConvField.strideHeight]: 1, [ConvField.strideWidth]: 1 },
    ...{ [ConvField.dilationHeight]: 1, [ConvField.dilationWidth]: 1 },
    [ConvField.depth]: depth / 4,
    [ConvField.groupOut]: out,
    ...{ [ConvField.panels]: out / 8, [ConvField.groupPanels]: out / 8, [ConvField.panelsPerPiece]: out / 8 },
    [ConvField.rowsPerPiece]: rowsPerPiece,
  };
  const tiles = { "6x8": Tile.qs8_6x8, "4x8": Tile.qs8_4x8, wide: Tile.qs8_wide };
  const ROUNDS = 200_000;
  const roofs = { dots: () => dots(ROUNDS), quads: () => quads(ROUNDS), sixteen: () => wide(ROUNDS) };
  const calls = { ...roofs };
  for (const [index, [name, tile]] of Object.entries(tiles).entries()) {
    Object.assign(new Int32Array(memory.buffer, RECORD + 4 * Field.size * index, Field.size).fill(0), words, {
      [Field.tile]: tile,
    });
    const repeats = Math.ceil(1e8 / (pixels * depth * out));
    calls[name] = () => {
      for (let repeat = 0; repeat < repeats; repeat++) run(RECORD, index, index + 1, scratch);
      return repeats;
    };
  }
  const bytes = new Uint8Array(memory.buffer, WEIGHTS, output - WEIGHTS);
  for (let at = 0; at < bytes.length; at++) bytes[at] = at % 101;
  // Weights without outliers: memory's zeros say that panels have none.
  for (let at = 0; at < depth * out; at++) bytes[at] = (at % 127) - 63;
  const least = {};
  for (let turn = 0; turn < 60; turn++) {
    for (const [name, call] of Object.entries(calls)) {
      const start = performance.now();
      const repeats = call();
      const ms = (performance.now() - start) / (name in tiles ? repeats : 1);
      // The first turns compile.
      if (turn >= 10) least[name] = Math.min(least[name] ?? ms, ms);
    }
  }
  // Vectors of four sums a round, of four products, of eight, or, where they are of sixteen bits, of two.
  const products = { "6x8": [12 * 16, "dots"], "4x8": [8 * 32, "quads"], wide: [12 * 8, "sixteen"] };
  return Object.fromEntries(
    Object.keys(tiles).map((name) => {
      const rate = (pixels * depth * out) / least[name] / 1e6;
      const [round, roof] = products[name];
      return [name, { rate, share: (rate * least[roof] * 1e6) / (round * ROUNDS) }];
    }),
  );
}

async function base64(bytes) {
  return Buffer.from(bytes).toString("base64");
}

/** Words of records, as the compiler and the kernels have them. */
async function layout() {
  const entry = new URL("assembly/shared/record.ts", root).pathname;
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm" });
  const { Kernel, Field, ConvField, Tile } = await import(
    `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`
  );
  return { Kernel, Field, ConvField, Tile };
}

/** Sums that never leave their registers, of products of bytes and of products of sixteen bits; compiled as the kernels are. */
async function roof() {
  const twelve = Array.from({ length: 12 }, (_, at) => `s${at}`);
  const loop = (name, step, sums = twelve) => `export function ${name}(rounds: i32): i32 {
  const ones = v128.load(4096);
  const a = i8x16.splat(<i8>rounds);
  const b = i8x16.splat(<i8>(rounds & 63));
  const c = i8x16.splat(<i8>(rounds & 31));
  ${sums.map((sum, at) => `let ${sum} = i32x4.splat(rounds + ${at});`).join("\n  ")}
  for (let round = 0; round < rounds; round++) {
    ${sums.map((sum) => `${sum} = ${step(sum)};`).join("\n    ")}
  }
  ${sums
    .slice(1)
    .map((sum) => `s0 = v128.xor(s0, ${sum});`)
    .join("\n  ")}
  return i32x4.extract_lane(s0, 0);
}
`;
  const source =
    loop("dots", (sum) => `i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, ${sum})`) +
    loop(
      "quads",
      (sum) => {
        const [one, other] = ["b", "c"].map((it) => `i16x8.relaxed_dot_i8x16_i7x16_s(${sum}, ${it})`);
        return `i32x4.add(i32x4.dot_i16x8_s(i16x8.add(${one}, ${other}), ones), ${sum})`;
      },
      twelve.slice(0, 8),
    ) +
    loop("wide", (sum) => `i32x4.add(i32x4.dot_i16x8_s(${sum}, b), ${sum})`);
  let wasm = null;
  const options = ["--enable", "simd", "--enable", "relaxed-simd", "--runtime", "stub", "--importMemory", "-O3"];
  const { error, stderr } = await asc.main(["roof.ts", ...options, "--noExportMemory", "--outFile", "roof.wasm"], {
    readFile: (name) => (name === "roof.ts" ? source : null),
    writeFile: (_, contents) => {
      wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(String(stderr));
  return wasm;
}
