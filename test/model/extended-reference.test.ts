import { expect, test } from "vitest";
import type { ActivationOp, Op, ValueShape } from "../../src/graph/network.js";
import { activate } from "./activate.js";
import { runOp } from "./reference.js";

/** Known values: of the definitions with the functions of Python's `math`, and what a hand can follow. */
const known: readonly (readonly [Partial<ActivationOp>, x: number, y: number])[] = [
  [{ function: "mish" }, 1, 0.8650983882673103],
  [{ function: "mish" }, -30, -2.807286890651921e-12],
  [{ function: "gelu-tanh" }, 1, 0.8411919906082768],
  [{ function: "selu", alpha: 1.6732632423543772, beta: 1.0507009873554805 }, -1, -1.1113307378125625],
  [{ function: "selu", alpha: 1.6732632423543772, beta: 1.0507009873554805 }, 2, 2.101401974710961],
  [{ function: "softplus" }, 1, 1.3132616875182228],
  [{ function: "softplus" }, -40, 4.248354255291589e-18],
  [{ function: "hard-swish" }, 1, 2 / 3],
  [{ function: "hard-swish" }, -4, 0],
  [{ function: "hard-sigmoid", alpha: 0.2, beta: 0.5 }, -1, 0.3],
  [{ function: "erf" }, 0.5, 0.5204998778130465],
  [{ function: "erf" }, -2, -0.9953222650189527],
  [{ function: "clip", alpha: -0.25, beta: 3 }, -1, -0.25],
  // Ties go to even steps.
  [{ function: "quantize", alpha: 0.5, beta: 0 }, 0.25, 0],
  [{ function: "quantize", alpha: 0.5, beta: 0 }, 0.75, 1],
  [{ function: "quantize", alpha: 0.5, beta: 0 }, -3, 0],
  [{ function: "quantize", alpha: 0.5, beta: 128 }, -3, -3],
  [{ function: "quantize", alpha: 0.5, beta: 0, signed: true }, -0.75, -1],
  [{ function: "quantize", alpha: 0.5, beta: 0, signed: true }, 1000, 63.5],
];

test.each(known)("%j of %d is %d", (op, x, y) => {
  const found = activate({ function: "exp", ...op }, x);
  expect(Math.abs(found - y)).toBeLessThanOrEqual(1e-13 * Math.abs(y));
});

const base = { name: "op", inputs: [0], output: 1 } as const;

/** `x` and the result lie in rows of pixels, as the definitions count. */
function run(op: Op, from: ValueShape, x: readonly number[], to: ValueShape): number[] {
  const planes = Array.from({ length: from.channels }, (_, c) => x.filter((_, at) => at % from.channels === c)).flat();
  const y = runOp(
    op,
    () => Float64Array.from(planes),
    (id) => (id === 1 ? to : from),
  );
  const pixels = to.height * to.width;
  return Array.from({ length: y.length }, (_, at) => y[(at % to.channels) * pixels + Math.floor(at / to.channels)]!);
}

const row = (width: number, channels = 1): ValueShape => ({ height: 1, width, channels });

test("pads, shuffles, transposes and reshapes", () => {
  const pad = { ...base, kind: "pad", before: [0, 2, 0], value: 9 } as const;
  expect(run({ ...pad, mode: "reflect" }, row(3), [1, 2, 3], row(7))).toEqual([3, 2, 1, 2, 3, 2, 1]);
  expect(run({ ...pad, mode: "edge" }, row(3), [1, 2, 3], row(7))).toEqual([1, 1, 1, 2, 3, 3, 3]);
  expect(run({ ...pad, mode: "constant" }, row(3), [1, 2, 3], row(6))).toEqual([9, 9, 1, 2, 3, 9]);
  const shuffle: Op = { ...base, kind: "shuffleChannels", groups: 2 };
  expect(run(shuffle, row(1, 6), [0, 1, 2, 3, 4, 5], row(1, 6))).toEqual([0, 3, 1, 4, 2, 5]);
  const six = [0, 1, 2, 3, 4, 5];
  expect(run({ ...base, kind: "transpose", order: [0, 2, 1] }, row(2, 3), six, row(3, 2))).toEqual([0, 3, 1, 4, 2, 5]);
  expect(run({ ...base, kind: "reshape" }, row(2, 3), six, { height: 3, width: 2, channels: 1 })).toEqual(six);
  expect(run({ ...base, kind: "slice", begin: [0, 1, 2], step: [1, -1, -2] }, row(2, 3), six, row(2, 2))).toEqual([
    5, 3, 2, 0,
  ]);
});

test("normalises over a pixel's groups, and over the image", () => {
  const op = { ...base, kind: "normalize", groups: 2, epsilon: 0, scale: null, shift: null } as const;
  const x = [1, 3, 5, 5.5, 2, 8, -1, 0];
  expect(run({ ...op, over: "pixel" }, row(2, 4), x, row(2, 4))).toEqual([-1, 1, -1, 1, -1, 1, -1, 1]);
  const whole = run({ ...op, groups: 4, over: "image" }, row(2, 4), x, row(2, 4));
  expect(whole).toEqual([-1, -1, 1, 1, 1, 1, -1, -1]);
});

test("a dilated window", () => {
  const window = { ...base, kernel: [1, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 2] } as const;
  expect(run({ ...window, kind: "maxPool" }, row(4), [1, 5, 3, 2], row(2))).toEqual([3, 5]);
  expect(run({ ...window, kind: "averagePool", countPadding: true }, row(4), [1, 5, 3, 2], row(2))).toEqual([2, 3.5]);
});
