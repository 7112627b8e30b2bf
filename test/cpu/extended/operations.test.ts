import { describe, expect, test } from "vitest";
import type { BinaryOp, Op, PadOp, ValueShape } from "../../../src/graph/network.js";
import { vectorOf } from "../one-operation.js";
import { check, setups } from "./run.js";

const base = { name: "op", inputs: [1], output: 2 } as const;
const shape = (height: number, width: number, channels: number): ValueShape => ({ height, width, channels });

describe.each(setups)("$variant", (setup) => {
  const functions: readonly BinaryOp["function"][] = ["add", "subtract", "multiply", "divide", "maximum", "minimum"];

  test.each(functions)("%s, with all ways to repeat either input", async (name) => {
    const output = shape(3, 5, 6);
    for (const channels of [1, 3, 5, 8, 13]) {
      const whole = shape(3, 5, channels);
      for (let mask = 0; mask < 8; mask++) {
        const part = shape(mask & 1 ? 1 : 3, mask & 2 ? 1 : 5, mask & 4 ? 1 : channels);
        const op: Op = { ...base, inputs: [1, 2], output: 3, kind: "binary", function: name };
        // Divisors of next to nothing make results whose roundings drown all others.
        const away = (count: number) =>
          Float32Array.from({ length: count }, (_, at) => (at % 2 ? 1 : -1) * (0.5 + (at % 7) / 7));
        const given = [whole, part].map(({ height, width, channels: c }) => away(height * width * c));
        await check([op], [whole, part], [whole], setup, { given });
        await check([op], [part, whole], [whole], setup, { given: given.toReversed() });
      }
    }
    // Each repeats along another axis.
    const op: Op = { ...base, inputs: [1, 2], output: 3, kind: "binary", function: "add" };
    await check([op], [shape(3, 1, 6), shape(1, 5, 1)], [output], setup);
  });

  test.each([
    [2, [shape(3, 2, 5), shape(3, 2, 3), shape(3, 2, 8), shape(3, 2, 1)]],
    [2, [shape(2, 3, 4), shape(2, 3, 8), shape(2, 3, 3)]],
    [2, [shape(2, 3, 4), shape(2, 3, 12)]],
    [0, [shape(1, 4, 5), shape(3, 4, 5)]],
    [1, [shape(3, 1, 13), shape(3, 4, 13), shape(3, 2, 13)]],
  ] as const)("f32_concat along axis %d", async (axis, inputs) => {
    const sum = (of: (it: ValueShape) => number) => inputs.reduce((total, it) => total + of(it), 0);
    const [first] = inputs;
    const output = {
      height: axis === 0 ? sum((it) => it.height) : first.height,
      width: axis === 1 ? sum((it) => it.width) : first.width,
      channels: axis === 2 ? sum((it) => it.channels) : first.channels,
    };
    const ids = inputs.map((_, at) => at + 1) as [number, ...number[]];
    await check([{ ...base, inputs: ids, output: ids.length + 1, kind: "concat", axis }], inputs, [output], setup);
  });

  test.each([
    [shape(5, 4, 8), [0, 0, 3], [1, 1, 1], shape(5, 4, 5)],
    [shape(5, 4, 8), [0, 0, 4], [1, 1, 1], shape(5, 4, 4)],
    [shape(5, 4, 13), [4, 1, 12], [-2, 1, -3], shape(3, 3, 5)],
    [shape(9, 7, 3), [1, 0, 0], [3, 2, 2], shape(3, 4, 2)],
    [shape(1, 1, 1), [0, 0, 0], [1, 1, 1], shape(1, 1, 1)],
  ] as const)("f32_slice of %j from %j by %j", async (input, begin, step, output) => {
    await check([{ ...base, kind: "slice", begin, step }], [input], [output], setup);
  });

  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ] as const)("f32_transpose to %d, %d, %d", async (...order) => {
    for (const input of [shape(3, 5, 8), shape(1, 7, 13), shape(6, 1, 3)]) {
      const extents = [input.height, input.width, input.channels];
      const [height, width, channels] = order.map((axis) => extents[axis]!);
      await check([{ ...base, kind: "transpose", order }], [input], [shape(height!, width!, channels!)], setup);
    }
  });

  test.each([
    [shape(3, 4, 5), shape(1, 1, 60)],
    [shape(1, 1, 60), shape(3, 4, 5)],
    [shape(4, 4, 8), shape(2, 8, 8)],
    [shape(5, 3, 4), shape(3, 2, 10)],
    [shape(2, 3, 1), shape(1, 1, 6)],
  ])("f32_reshape of %j to %j", async (input, output) => {
    await check([{ ...base, kind: "reshape" }], [input], [output], setup);
  });

  test.each([
    [2, 6],
    [2, 58],
    [3, 12],
    [4, 20],
    [8, 8],
    [1, 5],
    [5, 15],
  ])("f32_shuffle_channels, %d groups of %d", async (groups, channels) => {
    const same = shape(3, 2, channels);
    await check([{ ...base, kind: "shuffleChannels", groups }], [same], [same], setup);
  });

  test.each(["constant", "edge", "reflect"] as const)("f32_pad, %s", async (mode) => {
    for (const [input, before, output] of [
      [shape(3, 4, 5), [1, 2, 0], shape(6, 7, 5)],
      [shape(3, 4, 8), [0, 0, 3], shape(3, 4, 13)],
      [shape(2, 2, 3), [4, 3, 1], shape(9, 8, 6)],
      [shape(1, 1, 1), [1, 0, 0], shape(3, 2, 1)],
      [shape(3, 3, 4), [0, 0, 0], shape(3, 3, 4)],
    ] as const) {
      const op: PadOp = { ...base, kind: "pad", before, mode, value: -2.5 };
      await check([op], [input], [output], setup);
    }
  });

  describe.each(["pixel", "image"] as const)("f32_normalize over each %s", (over) => {
    test.each([
      [1, 1, 1],
      [3, 1, 3],
      [5, 5, 1],
      [13, 1, 1],
      [16, 4, 9],
      [24, 3, 2],
      [24, 8, 4],
      [10, 2, 3],
    ])("%d channels in %d groups, %d pixels wide", async (channels, groups, width) => {
      const same = shape(2, width, channels);
      for (const affine of [
        { scale: null, shift: null },
        { scale: vectorOf(channels), shift: vectorOf(channels) },
      ]) {
        const op: Op = { ...base, kind: "normalize", groups, over, epsilon: 1e-5, ...affine };
        await check([op], [same], [same], setup, { tolerance: 1e-5 });
      }
    });

    test("a large mean costs no digits", async () => {
      const same = shape(4, 4, 8);
      const x = Float32Array.from({ length: 128 }, (_, at) => 1000 + Math.sin(at) / 8);
      const op: Op = { ...base, kind: "normalize", groups: 2, over, epsilon: 1e-5, scale: null, shift: null };
      await check([op], [same], [same], setup, { given: [x] });
    });
  });

  test.each([
    [1, 5],
    [3, 8],
    [5, 13],
    [4, 6],
    [25, 9],
  ])("f32_local_response over %d of %d channels", async (size, channels) => {
    const same = shape(3, 4, channels);
    for (const [alpha, beta, bias] of [
      [1e-4, 0.75, 1],
      [0.3, 0.5, 2],
      [2, 1.5, 0.25],
    ] as const) {
      await check([{ ...base, kind: "localResponse", size, alpha, beta, bias }], [same], [same], setup);
    }
  });

  test.each([1, 3, 8, 13, 1000])("f32_log_softmax of %d channels", async (channels) => {
    const same = shape(2, 3, channels);
    await check([{ ...base, kind: "softmax", logarithm: true }], [same], [same], setup);
    await check([{ ...base, kind: "softmax" }], [same], [same], setup);
    const far = Float32Array.from({ length: 6 * channels }, (_, at) => 300 * Math.sin(at));
    await check([{ ...base, kind: "softmax", logarithm: true }], [same], [same], setup, { given: [far] });
  });

  test.each([
    [9, 8, [3, 3], [1, 1], [2, 2], [2, 2, 2, 2]],
    [9, 5, [2, 3], [2, 1], [3, 2], [1, 1, 0, 1]],
    [7, 3, [2, 2], [1, 2], [1, 4], [0, 0, 1, 2]],
    [5, 13, [1, 2], [1, 1], [1, 2], [0, 1, 0, 1]],
  ] as const)(
    "dilated pools on %dx9x%d, kernel %j, stride %j, dilation %j, padding %j",
    async (height, channels, kernel, stride, dilation, padding) => {
      const input = shape(height, 9, channels);
      const side = (length: number, axis: 0 | 1) =>
        Math.floor(
          (length + padding[axis] + padding[axis + 2]! - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis],
        ) + 1;
      const output = shape(side(height, 0), side(9, 1), channels);
      const window = { ...base, kernel, stride, dilation, padding } as const;
      expect(await check([{ ...window, kind: "maxPool" }], [input], [output], setup)).toEqual(["f32_dilated_max_pool"]);
      for (const countPadding of [true, false]) {
        await check([{ ...window, kind: "averagePool", countPadding }], [input], [output], setup);
      }
    },
  );
});
