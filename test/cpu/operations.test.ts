import { describe, expect, test } from "vitest";
import type { ActivationOp, ConvOp, Op, ValueShape } from "../../src/graph/network.js";
import { runOp } from "../model/reference.js";
import { check, runOne } from "./check.js";
import { modules } from "./engine.js";
import { conv, convOutput, weightOf } from "./one-operation.js";

const base = { name: "op", inputs: [1], output: 2 } as const;
const functions: readonly ActivationOp["function"][] = ["leaky-relu", "relu6", "silu", "gelu", "elu"];

describe.each(modules)("%s", (simd) => {
  test.each(functions)("f32 %s within 1e-6 of f64, from -20 to 20 and close to zero", async (name) => {
    const shape = { height: 41, width: 7, channels: 1 };
    const tiny = [0, 1e-30, -1e-30, 1e-9, -1e-9, -9e-7, -1.1e-6, 1e-4, -1e-4, 1e6, -1e6, 3e38, -3e38];
    const count = shape.height * shape.width;
    const x = Float32Array.from({ length: count }, (_, at) => tiny[at] ?? -20 + (40 * (at - 13)) / (count - 14));
    const op: Op = { ...base, kind: "activation", function: name, slope: 0.2 };
    const got = await runOne(op, [shape, shape], x, { simd });
    const expected = runOp(
      { ...op, slope: Math.fround(0.2) },
      () => Float64Array.from(x),
      () => shape,
    );
    for (const [at, value] of expected.entries()) {
      // Below the least normal f32, f32 has fewer digits.
      const allowed = Math.max(1e-6 * Math.abs(value), 2 ** -149);
      expect(Math.abs(got[4 * at]! - value), `${name}(${x[at]}) = ${value}, got ${got[4 * at]}`).toBeLessThanOrEqual(
        allowed,
      );
      // Padding stays zero.
      expect([...got.subarray(4 * at + 1, 4 * at + 4)]).toEqual([0, 0, 0]);
    }
  });

  test.each(functions)("a NaN stays one through %s", async (name) => {
    const shape = { height: 1, width: 1, channels: 4 };
    const got = await runOne({ ...base, kind: "activation", function: name }, [shape, shape], [1, Number.NaN, -1, 0], {
      simd,
    });
    expect([...got].map(Number.isNaN)).toEqual([false, true, false, false]);
  });

  test.each([
    [9, 7, 10, 1],
    [9, 7, 10, 2],
    [8, 6, 4, 2],
    [2, 5, 3, 2],
    [5, 2, 64, 1],
    [13, 16, 20, 3],
  ])("f32_blur_pool %dx%dx%d, stride %d", async (height, width, channels, stride) => {
    const input = { height, width, channels };
    const output = { height: Math.ceil(height / stride), width: Math.ceil(width / stride), channels };
    await check({ ...base, kind: "blurPool", stride }, input, output, simd);
  });

  test.each([
    [1, 1, 4],
    [5, 7, 3],
    [7, 7, 66],
  ])("the largest of a whole %dx%dx%d", async (height, width, channels) => {
    await check(
      { ...base, kind: "globalMaxPool" },
      { height, width, channels },
      { height: 1, width: 1, channels },
      simd,
    );
  });

  test.each([1, 4, 37, 512])("f32_l2_normalize of %d values", async (channels) => {
    const shape = { height: 1, width: 1, channels };
    await check({ ...base, kind: "l2Normalize", epsilon: 1e-12 }, shape, shape, simd);
    await check({ ...base, kind: "l2Normalize", epsilon: 1e3 }, shape, shape, simd);
  });

  test.each([true, false])("a linear layer with ReLU: %s", async (relu) => {
    const vector = { height: 1, width: 1, channels: 37 };
    const op: Op = { ...base, kind: "linear", weight: weightOf([21, 37]), bias: null, relu };
    await check(op, vector, { ...vector, channels: 21 }, simd);
  });

  describe("windows", () => {
    const cases: [number, number, number, number, number, boolean][] = [];
    for (const kernel of [1, 2, 3, 5]) {
      for (const stride of [1, 2, 3]) {
        for (let padding = 0; 2 * padding <= kernel; padding++) {
          for (const ceil of [false, true])
            for (const extent of [5, 6]) cases.push([extent, kernel, stride, padding, 6, ceil]);
        }
      }
    }
    test.each(cases)(
      "of pools on %d, kernel %d, stride %d, padding %d, %d channels, ceil %s",
      async (extent, kernel, stride, padding, channels, ceil) => {
        const input = { height: extent, width: extent + 3, channels };
        const output = { height: slide(extent), width: slide(extent + 3), channels };
        function slide(length: number): number {
          const count = (length + 2 * padding - kernel) / stride;
          const whole = Math.floor(count) + 1;
          // PyTorch: the last window must begin within the image or the padding in front of it.
          return ceil && Math.ceil(count) * stride < length + padding ? Math.ceil(count) + 1 : whole;
        }
        const window = {
          kernel: [kernel, kernel],
          stride: [stride, stride],
          padding: [padding, padding, padding, padding],
        } as const;
        await check({ ...base, kind: "maxPool", ...window }, input, output, simd);
        for (const countPadding of [true, false]) {
          await check({ ...base, kind: "averagePool", ...window, countPadding }, input, output, simd);
        }
      },
    );
  });

  describe.each(["auto", "direct"] as const)("dilated convolutions, %s", (convolution) => {
    const cases: { name: string; input: ValueShape; op: ConvOp }[] = [];
    for (const [size, stride, dilation, groups] of [
      [3, 1, 2, 1],
      [3, 1, 4, 1],
      [3, 2, 2, 1],
      [3, 2, 3, 4],
      [3, 1, 2, 4],
      [2, 1, 3, 1],
      [5, 1, 2, 1],
      [7, 2, 2, 1],
      [1, 1, 2, 1],
    ] as const) {
      for (const [height, width, channels, out] of [
        [7, 7, 16, 24],
        [14, 9, 8, 8],
        [17, 20, 64, 64],
      ] as const) {
        const padding = ((size - 1) * dilation) >> 1;
        const op = conv({
          weight: weightOf([out, channels / groups, size, size]),
          stride: [stride, stride],
          dilation: [dilation, dilation],
          padding: [padding, padding, padding, padding],
          groups,
          relu: true,
        });
        const name = `${height}x${width}x${channels} to ${out}, ${size}x${size}, stride ${stride}, dilation ${dilation}, groups ${groups}`;
        cases.push({ name, input: { height, width, channels }, op });
      }
    }
    test.each(cases)("$name", async ({ input, op }) => {
      await check(op, input, convOutput(op, input), simd, { convolution }, 1e-5);
    });
  });
});
