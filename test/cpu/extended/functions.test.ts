import { describe, expect, test } from "vitest";
import type { ActivationOp } from "../../../src/graph/network.js";
import { activate } from "../../model/activate.js";
import { values, vectorOf } from "../one-operation.js";
import { check, run, setups } from "./run.js";

const base = { kind: "activation", name: "op", inputs: [1], output: 2 } as const;
const f = Math.fround;

const cases: readonly Omit<ActivationOp, "kind" | "name" | "inputs" | "output">[] = [
  { function: "leaky-relu", slope: f(0.2) },
  { function: "relu6" },
  { function: "silu" },
  { function: "gelu" },
  { function: "gelu-tanh" },
  { function: "elu", alpha: f(0.7) },
  { function: "elu" },
  { function: "selu", alpha: f(1.6732632), beta: f(1.050701) },
  { function: "clip", alpha: f(-0.3), beta: f(4.1) },
  { function: "clip", alpha: f(0.5), beta: Number.POSITIVE_INFINITY },
  { function: "sigmoid" },
  { function: "hard-sigmoid", alpha: f(0.2), beta: f(0.5) },
  { function: "hard-swish" },
  { function: "mish" },
  { function: "tanh" },
  { function: "softplus" },
  { function: "exp" },
  { function: "log" },
  { function: "sqrt" },
  { function: "reciprocal" },
  { function: "absolute" },
  { function: "erf" },
  { function: "quantize", alpha: 0.125, beta: 3 },
  { function: "quantize", alpha: 0.5, beta: -2, signed: true },
];

/** From -20 to 20, close to zero, and far away. */
function inputs(count: number): Float32Array {
  const few = [
    0, 1e-30, -1e-30, 1e-9, -1e-9, -9e-7, -1.1e-6, 1e-4, -1e-4, 80, -80, 88.6, -88.6, 1e6, -1e6, 3e38, -3e38,
  ];
  return Float32Array.from(
    { length: count },
    (_, at) => few[at] ?? -20 + (40 * (at - few.length)) / (count - few.length - 1),
  );
}

describe.each(setups)("$variant", (setup) => {
  test.each(cases)("$function within 1e-6 of f64, alpha $alpha, beta $beta", async (op) => {
    for (const channels of [1, 4, 13]) {
      const shape = { height: 9, width: 37, channels };
      const x = inputs(shape.height * shape.width * channels);
      const { output } = await run(
        [{ ...base, ...op }],
        [{ ...shape, height: 1, width: 1, channels: 3 }, shape, shape],
        [x],
        setup,
      );
      const step = Math.ceil(channels / 4) * 4;
      const pixels = shape.height * shape.width;
      for (let pixel = 0; pixel < pixels; pixel++) {
        for (let channel = 0; channel < step; channel++) {
          const got = output[pixel * step + channel]!;
          if (channel >= channels) {
            expect(got, "padding").toBe(0);
            continue;
          }
          const input = x[channel * pixels + pixel]!;
          const value = f(activate(op, input));
          // Below the least normal f32 a power may be zero; terms of about a half leave their own roundings.
          const least = op.function === "hard-sigmoid" ? 1e-7 : 1.2e-38 * Math.max(1, Math.min(100, Math.abs(input)));
          const allowed = Math.max(1e-6 * Math.abs(value), least);
          const isRight = Object.is(got + 0, value + 0) || Math.abs(got - value) <= allowed;
          if (!isRight) expect.fail(`${op.function}(${input}) = ${value}, got ${got}`);
        }
      }
    }
  });

  test.each(cases)("a NaN stays one through $function", async (op) => {
    const shape = { height: 1, width: 1, channels: 4 };
    const image = { ...shape, channels: 3 };
    const { output } = await run([{ ...base, ...op }], [image, shape, shape], [[1, Number.NaN, 2, 3]], setup);
    expect([...output].map(Number.isNaN)).toEqual([false, true, false, false]);
  });

  test.each([1, 3, 5, 8, 13])("a slope for each of %d channels", async (channels) => {
    const shape = { height: 3, width: 5, channels };
    await check([{ ...base, function: "prelu", slopes: vectorOf(channels) }], [shape], [shape], setup);
  });

  test("quantisation rounds ties to even steps", async () => {
    const shape = { height: 1, width: 8, channels: 1 };
    const x = [0.25, 0.75, 1.25, -0.25, -0.75, -1.25, 1e9, -1e9];
    const op = { ...base, function: "quantize", alpha: 0.5, beta: 0, signed: true } as const;
    await check([op], [shape], [shape], setup, { given: [x], tolerance: 0 });
  });

  test("random values", async () => {
    const shape = { height: 4, width: 4, channels: 5 };
    const given = [values(80)];
    for (const op of cases) await check([{ ...base, ...op }], [shape], [shape], setup, { given });
  });
});
