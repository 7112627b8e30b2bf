import { readFileSync, writeFileSync } from "node:fs";
import { ResnetEdgeError } from "../../src/errors.js";
import { type Input, inputsFor, Wrong } from "./judge.js";

/** What one input may cost: the processor's time, and memory beside four times its size. */
const MOST_MS = 2000;
const MOST_BYTES = 64e6;

/** How an input was taken. */
export interface Verdict {
  readonly round: number;
  /** "read", or the name of the typed error. */
  readonly outcome: string;
  /** What must not be; absent where all is well. */
  readonly problem?: string;
  readonly detail?: string;
}

/** Sent by the parent: seeds from `from` on, `count` of them; or bytes that are read as the input of a seed is. */
export interface Task {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly bytes?: string;
}

const measured = process.platform === "linux";

function resident(field: string): number {
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);
}

async function judge(round: number, { read }: Input, bytes: Uint8Array): Promise<Verdict> {
  if (measured) writeFileSync("/proc/self/clear_refs", "5");
  const before = measured ? resident("VmRSS") : 0;
  const start = process.cpuUsage();
  let outcome = "read";
  let problem: string | undefined;
  let detail: string | undefined;
  try {
    await read(bytes);
  } catch (error) {
    const { name, message, stack } = error as Error;
    outcome = name;
    if (error instanceof Wrong) problem = `wrong: ${message.slice(0, 60)}`;
    else if (!(error instanceof ResnetEdgeError)) problem = `untyped: ${name} ${message.slice(0, 60)}`;
    detail = problem && `${stack}`.slice(0, 600);
  }
  const { user, system } = process.cpuUsage(start);
  if ((user + system) / 1000 > MOST_MS) problem ??= "over its time";
  if (measured && resident("VmHWM") - before > MOST_BYTES + 4 * bytes.length) problem ??= "over its memory";
  return { round, outcome, problem, detail };
}

/** Only where a parent asks: the parent itself imports `inputsFor`. */
if (process.send) {
  const [, , reader, fixtures] = process.argv;
  const inputOf = inputsFor(reader!, new URL(fixtures!));
  process.on("message", async ({ seed, from, count, bytes }: Task) => {
    for (let round = from; round < from + count; round++) {
      // Told before it is read: whoever waits knows which input it was that never ended.
      process.send!({ begun: round });
      const input = inputOf((Math.imul(seed, 0x9e3779b1) + round) | 0);
      process.send!(await judge(round, input, bytes === undefined ? input.bytes : Buffer.from(bytes, "base64")));
    }
    process.send!({ done: true });
  });
  process.on("disconnect", () => process.exit());
}

export { inputsFor };
