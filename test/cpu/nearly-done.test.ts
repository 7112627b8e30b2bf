import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NearlyDone } from "../../src/cpu/nearly-done.js";
import type { Step } from "../../src/cpu/program/program.js";

const step = (macs: number): Step => ({ stage: 0, name: "", output: 0, kernel: "", macs });
/** Two convolutions, a pool, and a layer that is next to nothing. */
const steps = [step(1e9), step(1e8), step(0), step(1e5)];

/** What was executed and told, in order. */
let log: (string | readonly [number, number])[] = [];
let now = 0;
let nearlyDone: NearlyDone;

beforeEach(() => {
  log = [];
  now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  nearlyDone = new NearlyDone(steps, false, () => log.push("soon"));
});
afterEach(() => vi.restoreAllMocks());

/** A run in which each record takes so many ms. */
function run(ms: readonly number[], begin = 0): typeof log {
  log = [];
  nearlyDone.run(begin, (from, to) => {
    log.push([from, to]);
    for (let index = from; index < to; index++) now += ms[index]!;
  });
  return log;
}

const long = [20, 1.5, 0.1, 0.1];
const slow = [200, 15, 0.5, 0.5];

test("from the second long run on, word before the last convolution", () => {
  expect(run(long)).toEqual([[0, 4]]);
  expect(run(long)).toEqual([[0, 1], "soon", [1, 4]]);
  expect(run(long)).toEqual([[0, 1], "soon", [1, 4]]);
});

test("of short runs no word, and they stay whole", () => {
  for (let time = 0; time < 3; time++) expect(run([0.5, 0.3, 0.01, 0.01])).toEqual([[0, 4]]);
});

test("a run that turns out short has none either", () => {
  run(long);
  expect(run([1, 1.5, 0.1, 0.1])).toEqual([
    [0, 1],
    [1, 4],
  ]);
});

test("where the last convolution takes long, word comes before what follows; one slow run changes nothing", () => {
  run(long);
  run(slow);
  expect(run(long)).toEqual([[0, 1], "soon", [1, 4]]);
  run(slow);
  run(slow);
  expect(run(slow)).toEqual([[0, 2], "soon", [2, 4]]);
});

test("where even the last record takes long, there is none", () => {
  const late = [200, 15, 10, 10];
  for (let time = 0; time < 9; time++) run(late);
  expect(run(late)).toEqual([[0, 4]]);
});

test("where no core is idle, word comes behind the last convolution, or later if that is too soon", () => {
  nearlyDone = new NearlyDone(steps, true, () => log.push("soon"));
  run(long);
  expect(run(long)).toEqual([[0, 2], "soon", [2, 4]]);
  for (let time = 0; time < 2; time++) run([20, 1.5, 0.9, 0.3]);
  expect(run(long)).toEqual([[0, 3], "soon", [3, 4]]);
});

test("a run that begins behind the place has none", () => {
  run(long);
  expect(run(long, 2)).toEqual([
    [2, 2],
    [2, 4],
  ]);
  expect(log).not.toContain("soon");
});
