// The speed of two builds, in turns: npm run compare -- A/dist B/dist
// Runs `bench` of both, each time in a fresh process: three networks of pseudo-random weights, with relaxed SIMD where this Node has it
// and without, on one thread and on two. Prints medians and least times of an inference, and bytes of wasm memory, with B's share of
// A's. --rounds 15, --runs 20 inferences a process, --arch NAME for some networks alone. With --strict it exits with 1 where a
// median of B's is over 1.01 of A's. It asks builds for nothing but `bench --json`, so that they may differ in age.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs, promisify } from "node:util";

const USAGE = "usage: npm run compare -- A/dist B/dist [--rounds 15] [--runs 20] [--arch NAME] [--strict]";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "15" },
    runs: { type: "string", default: "20" },
    arch: { type: "string", multiple: true, default: ["resnet18", "resnet50", "resnet20"] },
    strict: { type: "boolean", default: false },
  },
});
const builds = positionals.map((folder) => resolve(folder, "cli.js"));
const [rounds, runs] = [Number(values.rounds), Number(values.runs)];
if (builds.length !== 2 || !(rounds >= 1) || !(runs >= 1)) fail(USAGE);
for (const build of builds) if (!existsSync(build)) fail(`${build} is not there; build it first. ${USAGE}`);

/** B's median may be so much of A's before --strict fails. */
const MOST = 1.01;
const execute = promisify(execFile);

function fail(text) {
  console.error(text);
  process.exit(2);
}

async function bench(build, flags, arch, simd, threads) {
  const options = ["--arch", arch, "--simd", simd, "--threads", String(threads), "--runs", String(runs)];
  const { stdout } = await execute(process.execPath, [...flags, build, "bench", ...options, "--json"], {
    maxBuffer: 1 << 26,
  });
  const result = JSON.parse(stdout);
  if (result.threads !== threads) throw new Error(`${build} ran on ${result.threads} threads, not ${threads}`);
  return result;
}

/** What Node must be given for relaxed SIMD; null where it has none. Unknown flags are an error in newer ones. */
async function relaxedFlags() {
  for (const flags of [[], ["--experimental-wasm-relaxed-simd"]]) {
    // (module (func (result v128) three zeros, f32x4.relaxed_madd))
    const bytes =
      "0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,19,1,17,0,65,0,253,15,65,0,253,15,65,0,253,15,253,133,2,11";
    const script = `process.exit(WebAssembly.validate(new Uint8Array([${bytes}])) ? 0 : 1)`;
    const works = await execute(process.execPath, [...flags, "-e", script]).then(
      () => true,
      () => false,
    );
    if (works) return flags;
  }
  return null;
}

const flags = await relaxedFlags();
if (flags === null) console.error("This Node has no relaxed SIMD: the baseline modules alone are compared.");
const settings = values.arch.flatMap((arch) =>
  (flags === null ? ["baseline"] : ["relaxed", "baseline"]).flatMap((simd) =>
    [1, 2].map((threads) => ({ arch, simd, threads, times: [[], []], least: [[], []], bytes: [0, 0] })),
  ),
);
for (let round = 0; round < rounds; round++) {
  for (const { arch, simd, threads, times, least, bytes } of settings) {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds}: ${arch} ${simd} ${threads}   `);
    // Neither is always the first.
    for (const which of round % 2 ? [1, 0] : [0, 1]) {
      const { ms, wasmBytes } = await bench(builds[which], flags ?? [], arch, simd, threads);
      times[which].push(ms.median);
      least[which].push(ms.min);
      bytes[which] = wasmBytes;
    }
  }
}
if (process.stderr.isTTY) process.stderr.write("\n");

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rows = settings.map(({ arch, simd, threads, times, least, bytes }) => {
  const medians = times.map(median);
  const mins = least.map((all) => Math.min(...all));
  // Machines have phases: each round's two are seconds apart, so the median of their ratios says most.
  const ratio = median(times[0].map((a, round) => times[1][round] / a));
  const pair = ([a, b], digits) => [a.toFixed(digits), b.toFixed(digits)];
  return {
    ratio,
    cells: [
      `${arch} ${simd}, ${threads} thread${threads > 1 ? "s" : ""}`,
      ...[...pair(medians, 2), ratio.toFixed(3)],
      ...[...pair(mins, 2), (mins[1] / mins[0]).toFixed(3)],
      ...[...bytes.map(String), (bytes[1] / bytes[0]).toFixed(3)],
    ],
  };
});
const head = ["", "median A", "median B", "B/A", "least A", "least B", "B/A", "bytes A", "bytes B", "B/A"];
const table = [head, ...rows.map(({ cells }) => cells)];
const widths = head.map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
const line = (cells) => cells.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join("  ");
for (const cells of table) console.log(line(cells));
console.log(`ms of an inference; medians of ${rounds} rounds, B/A of medians by rounds`);

const slower = rows.filter(({ ratio }) => ratio > MOST);
for (const { cells, ratio } of slower) console.log(`${cells[0]}: B takes ${ratio.toFixed(3)} of A's time`);
if (values.strict && slower.length > 0) process.exitCode = 1;
