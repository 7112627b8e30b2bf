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

/** Runs what the file has registered, or PART tests of it from FROM on; the last line counts, and says how many there are. */
export async function runAll() {
  const from = Number(process.env.FROM ?? 0);
  const part = queue.slice(from, from + Number(process.env.PART ?? queue.length));
  let failed = 0;
  for (const { full, body, after } of part) {
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
  console.log(JSON.stringify({ passed: part.length - failed, failed, all: queue.length }));
  return failed;
}
