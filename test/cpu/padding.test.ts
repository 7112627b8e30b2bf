import { describe, expect, test } from "vitest";
import type { ConvOp, ValueShape } from "../../src/graph/network.js";
import { check } from "./check.js";
import { modules } from "./engine.js";
import { chosenKernel, conv, convOutput, uneven, weightOf } from "./one-operation.js";

// Every kernel with other padding at the top than at the bottom, and left than right.

const base = { name: "op", inputs: [1], output: 2 } as const;

describe.each(modules)("%s", (simd) => {
  describe.each([
    ["direct", 1, "f32_conv"],
    ["winograd2", 1, "f32_conv3x3s1_winograd2"],
    ["winograd4", 1, "f32_conv3x3s1_winograd4"],
    ["winograd4-lean", 1, "f32_conv3x3s1_winograd4_lean"],
    ["direct", 2, "f32_conv"],
    ["winograd4-lean", 2, "f32_conv3x3s2_winograd4_lean"],
  ] as const)("3x3, %s, stride %d", (convolution, stride, kernel) => {
    test.each(uneven)("padding %d, %d, %d, %d", async (...padding) => {
      for (const input of [
        { height: 9, width: 11, channels: 20 },
        { height: 14, width: 8, channels: 12 },
      ]) {
        const op = conv({
          weight: weightOf([24, input.channels, 3, 3]),
          stride: [stride, stride],
          padding,
          relu: true,
        });
        const output = convOutput(op, input);
        expect(chosenKernel(op, input, output, { convolution, memory: "fast" })).toBe(kernel);
        await check(op, input, output, simd, { convolution }, 1e-5);
      }
    });
  });

  const input: ValueShape = { height: 8, width: 7, channels: 8 };
  const others: [string, Partial<ConvOp>, number[]][] = [
    ["dilated", { dilation: [2, 3] }, [12, 8, 3, 3]],
    ["grouped", { groups: 2 }, [8, 4, 3, 3]],
    ["grouped and dense", { groups: 4 }, [12, 2, 3, 3]],
    ["of two by five", { stride: [2, 1] }, [4, 8, 2, 5]],
  ];
  test.each(others)("%s", async (_, fields, shape) => {
    for (const padding of uneven) {
      const op = conv({ ...fields, weight: weightOf(shape), padding });
      await check(op, input, convOutput(op, input), simd, {}, 5e-6);
    }
  });

  test("a large 1x1 with a border is not Strassen's", async () => {
    const square = { height: 8, width: 8, channels: 64 };
    for (const padding of [...uneven, [0, 0, 0, 0]] as const) {
      const op = conv({ weight: weightOf([64, 64, 1, 1]), padding });
      const output = convOutput(op, square);
      const kernel = chosenKernel(op, square, output, { convolution: "auto", memory: "fast", tile: "4x8" });
      expect(kernel === "f32_conv1x1_strassen").toBe(padding.every((side) => side === 0));
      await check(op, square, output, simd, {}, 5e-6);
    }
  });

  test.each(uneven)("pools, padding %d, %d, %d, %d", async (...padding) => {
    const [top, left, bottom, right] = padding;
    for (const side of [2, 3, 5]) {
      for (const over of [0, 1]) {
        // With `over`, the last windows hang over the padded image, as in ceil mode.
        const along = (extent: number) => Math.floor((extent - side + over) / 2) + 1;
        const output = {
          height: along(input.height + top + bottom),
          width: along(input.width + left + right),
          channels: input.channels,
        };
        const window = { kernel: [side, side], stride: [2, 2], padding } as const;
        // A window of padding alone has no largest value.
        const full = Math.max(top, left) < side && Math.max(bottom, right) < side - over;
        if (full) await check({ ...base, kind: "maxPool", ...window }, input, output, simd);
        for (const countPadding of [true, false]) {
          await check({ ...base, kind: "averagePool", ...window, countPadding }, input, output, simd);
        }
      }
    }
  });
});
