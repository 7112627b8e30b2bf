// npm run fuzz -- --reader safetensors|torch|zip|json|png [--seconds 60] [--seed 1] [--round N]
//
// Gives a reader inputs that were changed with method, each of them made of the seed and its round alone, in a process that is ended where
// it takes too long. Bounds: 2 s of the processor's time, and four times the input's size plus 64 MB of memory. What must not be (errors without a type,
// inputs beyond a bound, crashes, readings that a second reader does not confirm) is shrunk, and kept in fuzz-findings/. Exit status 1 where there is any.
import { fork } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values } = parseArgs({
  options: {
    reader: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    round: { type: "string" },
  },
});
const reader = values.reader ?? "safetensors";
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? 1);
if (!["safetensors", "torch", "zip", "json", "png"].includes(reader) || !(seconds > 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run fuzz -- --reader safetensors|torch|zip|json|png [--seconds N] [--seed S] [--round N]");
  process.exit(2);
}

const root = new URL("../", import.meta.url);
const BATCH = 200;
/** How long one input may take by the clock, on a busy machine, before its process is ended. */
const HANG_MS = 20_000;
const SHRINK_MS = 15_000;

const outfile = fileURLToPath(new URL(`node_modules/.cache/fuzz-${process.pid}.mjs`, root));
await build({
  entryPoints: [fileURLToPath(new URL("test/fuzz/child.ts", root))],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  logLevel: "warning",
});

/** A process that judges inputs; `run` answers with the verdicts of a task, the last one a crash or hang where it came to that. */
class Child {
  #process = null;

  run(task) {
    this.#process ??= fork(outfile, [reader, new URL("test/fixtures/", root).href], {
      execArgv: ["--max-old-space-size=512"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const child = this.#process;
    return new Promise((resolve) => {
      const verdicts = [];
      let begun = task.from;
      let timer;
      const end = () => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(verdicts);
      };
      const failed = (problem) => {
        verdicts.push({ round: begun, outcome: "none", problem });
        this.#process = null;
        end();
      };
      const watch = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          failed("hangs");
          child.kill("SIGKILL");
        }, HANG_MS);
      };
      child.on("message", (message) => {
        watch();
        if (message.done) end();
        else if (message.begun !== undefined) begun = message.begun;
        else verdicts.push(message);
      });
      child.on("exit", (code, signal) => failed(`ends the process (${signal ?? code})`));
      watch();
      child.send(task);
    });
  }

  close() {
    this.#process?.kill();
  }
}

const child = new Child();

/** The bytes of a round's input. */
async function inputOf(round) {
  const { inputsFor } = await import(outfile);
  return inputsFor(reader, new URL("test/fixtures/", root))((Math.imul(seed, 0x9e3779b1) + round) | 0).bytes;
}

/** Takes pieces away, as long as the same problem stays. */
async function shrink(round, bytes, problem) {
  const until = Date.now() + SHRINK_MS;
  let best = bytes;
  for (let piece = bytes.length >> 1; piece >= 1 && Date.now() < until; piece >>= 1) {
    for (let at = 0; at < best.length && Date.now() < until; ) {
      const less = Buffer.concat([best.subarray(0, at), best.subarray(at + piece)]);
      const [verdict] = await child.run({ seed, from: round, count: 1, bytes: less.toString("base64") });
      if (verdict?.problem === problem) best = less;
      else at += piece;
    }
  }
  return best;
}

const outcomes = new Map();
const findings = new Map();
let inputs = 0;
const start = Date.now();
const only = values.round === undefined ? null : Number(values.round);
for (let round = only ?? 0; only === null ? Date.now() - start < seconds * 1000 : round === only; ) {
  const count = only === null ? BATCH : 1;
  const verdicts = await child.run({ seed, from: round, count });
  for (const { round: at, outcome, problem, detail } of verdicts) {
    inputs++;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!problem) continue;
    const known = findings.get(problem);
    if (known) known.count++;
    else findings.set(problem, { count: 1, round: at, detail });
  }
  round = (verdicts.at(-1)?.round ?? round) + 1;
  if (only !== null) break;
}
const took = ((Date.now() - start) / 1000).toFixed(0);
for (const [problem, { count, round, detail }] of findings) {
  console.error(`${count} x ${problem} (first: --reader ${reader} --seed ${seed} --round ${round})`);
  if (detail) console.error(detail);
  const bytes = await inputOf(round);
  const small = await shrink(round, Buffer.from(bytes), problem);
  const name = `fuzz-findings/${reader}-${seed}-${round}.bin`;
  mkdirSync("fuzz-findings", { recursive: true });
  writeFileSync(name, small);
  console.error(`shrunk from ${bytes.length} to ${small.length} bytes: ${name}`);
}
child.close();
const counts = [...outcomes].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
const problems = [...findings.values()].reduce((sum, { count }) => sum + count, 0);
console.log(`${reader}, seed ${seed}: ${inputs} inputs in ${took} s: ${counts.join(", ")}; ${problems} problems`);
rmSync(outfile);
process.exitCode = problems > 0 ? 1 : 0;
