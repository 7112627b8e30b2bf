// The little of Vitest that the kernels' tests use, in one process: an emulated processor is too slow for the whole of it.
import { expect as jestExpect } from "expect";

const only = process.env.ONLY ? new RegExp(process.env.ONLY) : /./;
const queue = [];
let path = [];
let afterEachTest = [];

export const expect = Object.assign((value) => jestExpect(value), jestExpect);
export const vi = {
  spyOn() {
    throw new Error("vi.spyOn is not there");
  },
  restoreAllMocks() {},
};

/** A module is compiled once: on an emulated processor that takes longer than most tests. */
const { compile } = WebAssembly;
const compiled = [];
WebAssembly.compile = (bytes) => {
  const known = compiled.find((it) => Buffer.compare(it.bytes, bytes) === 0);
  if (known) return known.module;
  const module = compile(bytes);
  compiled.push({ bytes: Buffer.from(bytes), module });
  return module;
};

/** Titles have %s, %i and $field. */
function named(title, values) {
  const first = values[0];
  let at = 0;
  return title
    .replace(/\$(\w+)/g, (all, field) => (first && field in Object(first) ? first[field] : all))
    .replace(/%[sidfoj]/g, () => String(values[at++]));
}

const each = (register) => (cases) => (title, body) => {
  for (const one of cases) {
    const values = Array.isArray(one) ? one : [one];
    register(named(title, values), () => body(...values));
  }
};

export function test(title, body) {
  const full = [...path, title].join(" > ");
  if (only.test(full)) queue.push({ full, body, after: [...afterEachTest] });
}
test.each = each(test);
test.runIf = (condition) => (condition ? test : test.skip);
test.skipIf = (condition) => (condition ? test.skip : test);
test.skip = (title) => console.log(`skipped: ${[...path, title].join(" > ")}`);
test.skip.each = () => test.skip;

export function describe(title, body) {
  const [outer, hooks] = [path, afterEachTest];
  path = [...path, title];
  body();
  [path, afterEachTest] = [outer, hooks];
}
describe.each = each(describe);

export const afterEach = (hook) => afterEachTest.push(hook);

describe.skipIf = (condition) => (condition ? (title) => console.log(`skipped: ${title}`) : describe);
describe.runIf = (condition) => describe.skipIf(!condition);

const atEnd = [];
export const afterAll = (hook) => atEnd.push(hook);

/** Runs what the files have registered; the last line counts. */
export async function runAll() {
  let failed = 0;
  for (const [at, { full, body, after }] of queue.entries()) {
    // Memories reserve gigabytes of addresses, which a collector does not count.
    if (at % 8 === 0) globalThis.gc?.();
    if (process.env.VERBOSE) console.error(full);
    try {
      await body();
    } catch (error) {
      failed++;
      console.log(`FAILED: ${full}\n  ${String(error.message).split("\n").slice(0, 6).join("\n  ")}`);
    }
    for (const hook of after) await hook();
  }
  for (const hook of atEnd) await hook();
  console.log(JSON.stringify({ passed: queue.length - failed, failed }));
  return failed;
}
