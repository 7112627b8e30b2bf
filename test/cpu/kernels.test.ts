import { describe, expect, test } from "vitest";
import type { ConvOp, ValueShape, Weight } from "../../src/graph/network.js";
import { runOp } from "../model/reference.js";
import { check, toNhwc } from "./check.js";
import { engineFor, modules } from "./engine.js";
import { chosenKernel, conv, convOutput, networkOf, values, vectorOf, weightOf } from "./one-operation.js";

describe.each(modules)("%s", (simd) => {
  const shapes: { name: string; input: ValueShape; op: ConvOp }[] = [];
  for (const [height, width, channels, out] of [
    [1, 1, 4, 8],
    [5, 7, 3, 5],
    [9, 4, 16, 12],
    [13, 11, 10, 24],
    [8, 8, 32, 64],
  ] as const) {
    const input = { height, width, channels };
    const add = (name: string, fields: Partial<ConvOp> & { weight: Weight }) =>
      shapes.push({ name: `${height}x${width}x${channels} to ${out}: ${name}`, input, op: conv(fields) });
    add("1x1", { weight: weightOf([out, channels, 1, 1]), relu: true });
    add("1x1 stride 2", { weight: weightOf([out, channels, 1, 1]), stride: [2, 2] });
    add("3x3 stride 2", { weight: weightOf([out, channels, 3, 3]), stride: [2, 2], padding: [1, 1, 1, 1], relu: true });
    add("7x7 stride 2", { weight: weightOf([out, channels, 7, 7]), stride: [2, 2], padding: [3, 3, 3, 3] });
    add("3x3 dilated", { weight: weightOf([out, channels, 3, 3]), dilation: [2, 2], padding: [2, 2, 2, 2] });
    add("1x3, no bias", { weight: weightOf([out, channels, 1, 3]), padding: [0, 1, 0, 1], bias: null });
  }
  test.each(shapes)("f32_conv $name", async ({ op, input }) => {
    await check(op, input, convOutput(op, input), simd, { convolution: "direct" });
  });

  // So many output channels that rows are gathered; every remainder of rows and of panels that a tile can leave.
  describe.each(["4x8", "6x8", "6x16"] as const)("f32_conv to many channels, tile %s", (tile) => {
    test.each([
      [1, 1, 8, 256],
      [1, 5, 20, 260],
      [3, 4, 6, 264],
      [13, 1, 33, 256],
      [4, 4, 12, 300],
      [17, 2, 4, 272],
      [9, 3, 16, 256],
    ])("%dx%dx%d to %d", async (height, width, channels, out) => {
      const input = { height, width, channels };
      for (const size of [1, 3]) {
        const weight = weightOf([out, channels, size, size]);
        const op = conv({ weight, padding: [size >> 1, size >> 1, size >> 1, size >> 1], relu: size === 3 });
        await check(op, input, convOutput(op, input), simd, { convolution: "direct", tile });
      }
    });
  });

  // Odd rows, one row alone, strides, several pieces, and halves of panels that do not fill a round.
  describe.each(["4x8", "6x8"] as const)("f32_conv1x1_strassen, tile %s", (tile) => {
    test.each([
      [12, 8, 128, 128, 1],
      [14, 7, 144, 208, 1],
      [29, 9, 128, 256, 1],
      [27, 19, 256, 144, 2],
      [97, 1, 512, 128, 1],
      [7, 7, 128, 160, 1],
      [10, 10, 64, 256, 1],
      [33, 35, 256, 64, 1],
      // Several parts of input channels, the last one shorter.
      [7, 7, 1040, 128, 1],
      [14, 13, 528, 80, 2],
    ])("%dx%dx%d to %d, stride %d", async (height, width, channels, out, stride) => {
      const input = { height, width, channels };
      const weight = weightOf([out, channels, 1, 1]);
      const op = conv({ weight, stride: [stride, stride] });
      const chosen = (it: "6x16" | typeof tile) =>
        chosenKernel(op, input, convOutput(op, input), { memory: "fast", convolution: "auto", tile: it });
      expect([chosen(tile), chosen("6x16")]).toEqual(["f32_conv1x1_strassen", "f32_conv"]);
      await check(op, input, convOutput(op, input), simd, { tile }, 5e-6);
    });

    // With blocks of four alone its last piece is of one pixel.
    test.runIf(tile === "4x8")("a last piece that is next to nothing", async () => {
      const shape = { height: 1, width: 133121, channels: 64 };
      await check(conv({ weight: weightOf([64, 64, 1, 1]) }), shape, shape, simd, { tile }, 5e-6);
    });

    test.each([160, 544])("bias, residual and ReLU in the store, of %d channels", async (channels) => {
      const shape = { height: 13, width: 11, channels };
      const op = conv({ weight: weightOf([channels, channels, 1, 1]), relu: true, inputs: [1, 1] });
      await check(op, shape, shape, simd, { tile }, 5e-6);
    });
  });

  // The first convolution reads the caller's planes.
  test.each([
    [224, 20, 3, 8, 3],
    [7, 7, 3, 5, 3],
    [1, 1, 3, 64, 3],
    [9, 33, 1, 12, 3],
    [31, 40, 4, 16, 3],
    [18, 67, 3, 64, 0],
    [12, 15, 2, 9, 5],
  ])("f32_conv7x7s2_winograd4 %dx%dx%d to %d, padding %d", async (height, width, channels, out, padding) => {
    const input = { height, width, channels };
    const weight = weightOf([out, channels, 7, 7]);
    const op = conv({
      inputs: [0],
      output: 1,
      weight,
      stride: [2, 2],
      padding: [padding, padding, padding, padding],
      relu: true,
    });
    const output = convOutput(op, input);
    const x = values(channels * height * width);
    const placed = networkOf(op, [input, output]);
    const network = { ...placed, stages: [{ name: "stem", input: 0, output: 1, ops: [op] }, placed.stages[2]!] };
    const expected = toNhwc(
      runOp(
        op,
        () => Float64Array.from(x),
        (id) => network.values[id]!,
      ),
      output,
    );
    const engine = await engineFor(network, { simd });
    const first = await engine.run(0, 0, x);
    const whole = new Float32Array(first.buffer, first.byteOffset, expected.length);
    whole.fill(Number.NaN);
    await engine.run(0, 0, x);
    let error = 0;
    for (let at = 0; at < expected.length; at++) {
      const difference = Math.abs(whole[at]! - expected[at]!);
      error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
    expect(error / Math.max(...expected.map(Math.abs), 1e-30)).toBeLessThan(5e-6);
    await engine.close();
  });

  test("a NaN in a window of max-pool shows, whatever comes after it", async () => {
    const shape = { height: 5, width: 5, channels: 4 };
    const op = {
      name: "op",
      inputs: [1],
      output: 2,
      kind: "maxPool",
      kernel: [3, 3],
      stride: [2, 2],
      padding: [1, 1, 1, 1],
    } as const;
    const network = networkOf(op, [{ ...shape, channels: 3 }, shape, { height: 3, width: 3, channels: 4 }]);
    const engine = await engineFor(network, { simd });
    for (let at = 0; at < 25; at++) {
      const x = values(100);
      x[at * 4] = Number.NaN;
      const classes = await engine.run(1, 1, x);
      const y = new Float32Array(classes.buffer, classes.byteOffset, 36);
      const [row, column] = [Math.floor(at / 5), at % 5];
      for (let outY = 0; outY < 3; outY++) {
        for (let outX = 0; outX < 3; outX++) {
          const inside = Math.abs(2 * outY - row) <= 1 && Math.abs(2 * outX - column) <= 1;
          expect(Number.isNaN(y[(outY * 3 + outX) * 4]!), `${at}: ${outY}, ${outX}`).toBe(inside);
        }
      }
    }
    await engine.close();
  });

  test.each([
    { channels: 8, out: 8, groups: 2 },
    { channels: 32, out: 32, groups: 8 },
    { channels: 16, out: 48, groups: 2 },
    { channels: 12, out: 12, groups: 4 },
    { channels: 6, out: 9, groups: 3 },
    { channels: 8, out: 8, groups: 8 },
  ])("f32_conv in groups: $channels to $out in $groups", async ({ channels, out, groups }) => {
    const input = { height: 6, width: 5, channels };
    const op = conv({ weight: weightOf([out, channels / groups, 3, 3]), groups, padding: [1, 1, 1, 1], relu: true });
    await check(op, input, convOutput(op, input), simd);
  });

  describe.each([
    ["winograd2", "4x8"],
    ["winograd4", "4x8"],
    ["winograd4", "6x16"],
    ["winograd4-lean", "4x8"],
    ["winograd4-lean", "6x8"],
    ["winograd4-lean", "6x16"],
  ] as const)("f32_conv3x3s1_%s, tile %s", (convolution, tile) => {
    test.each([
      [1, 1, 4, 4, 1],
      [2, 3, 3, 5, 1],
      [4, 4, 8, 8, 1],
      [7, 7, 64, 40, 1],
      [7, 7, 32, 72, 1],
      [3, 8, 96, 8, 1],
      [13, 14, 32, 24, 1],
      [14, 9, 20, 12, 1],
      [17, 23, 36, 68, 1],
      [22, 19, 64, 24, 1],
      [20, 20, 64, 16, 1],
      [9, 10, 16, 40, 1],
      [12, 11, 48, 32, 1],
      [6, 6, 8, 8, 0],
      [5, 5, 4, 4, 2],
    ])("%dx%dx%d to %d, padding %d", async (height, width, channels, out, padding) => {
      const input = { height, width, channels };
      const op = conv({
        weight: weightOf([out, channels, 3, 3]),
        padding: [padding, padding, padding, padding],
        relu: true,
      });
      await check(op, input, convOutput(op, input), simd, { convolution, tile }, 1e-5);
    });
  });

  describe.each(["4x8", "6x8", "6x16"] as const)("f32_conv3x3s2_winograd4_lean, tile %s", (tile) => {
    test.each([
      [1, 1, 4, 4, 1],
      [2, 3, 3, 5, 1],
      [7, 7, 64, 40, 1],
      [14, 9, 20, 12, 1],
      [14, 13, 32, 72, 1],
      [16, 15, 16, 40, 1],
      [21, 22, 48, 32, 1],
      [18, 28, 96, 16, 1],
      [27, 26, 64, 24, 1],
      [33, 23, 36, 68, 1],
      [9, 16, 8, 8, 0],
      [5, 5, 4, 4, 2],
      [14, 14, 300, 20, 1],
      [40, 39, 32, 16, 1],
    ])("%dx%dx%d to %d, padding %d", async (height, width, channels, out, padding) => {
      const input = { height, width, channels };
      const weight = weightOf([out, channels, 3, 3]);
      const op = conv({ weight, padding: [padding, padding, padding, padding], stride: [2, 2], relu: true });
      await check(op, input, convOutput(op, input), simd, { convolution: "winograd4-lean", tile }, 1e-5);
    });
  });

  test.each(["direct", "winograd2", "winograd4", "winograd4-lean"] as const)(
    "bias, residual and ReLU in the store of %s",
    async (convolution) => {
      const shape = { height: 7, width: 6, channels: 20 };
      const op = conv({ weight: weightOf([20, 20, 3, 3]), padding: [1, 1, 1, 1], relu: true, inputs: [1, 1] });
      await check(op, shape, shape, simd, { convolution }, 1e-5);
    },
  );

  test("pooling, elementwise, shortcut, linear and softmax", async () => {
    const input = { height: 9, width: 7, channels: 10 };
    const base = { name: "op", inputs: [1], output: 2 } as const;
    const halved = { ...input, height: 5, width: 4 };
    await check(
      { ...base, kind: "maxPool", kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
      input,
      halved,
      simd,
    );
    for (const countPadding of [true, false]) {
      const op = {
        ...base,
        kind: "averagePool",
        kernel: [3, 3],
        stride: [2, 2],
        padding: [1, 1, 1, 1],
        countPadding,
      } as const;
      await check(op, input, halved, simd);
    }
    await check({ ...base, kind: "globalAveragePool" }, input, { height: 1, width: 1, channels: 10 }, simd);
    const scale = vectorOf(10);
    const shift = vectorOf(10);
    for (const relu of [true, false]) {
      await check({ ...base, kind: "batchNorm", scale, shift, relu }, input, input, simd);
      await check({ ...base, inputs: [1, 1], kind: "add", relu }, input, input, simd);
    }
    await check({ ...base, kind: "relu" }, input, input, simd);
    for (const before of [0, 5, 6]) {
      await check({ ...base, kind: "zeroPadShortcut", stride: 2, before }, input, { ...halved, channels: 22 }, simd);
    }
    const vector = { height: 1, width: 1, channels: 37 };
    await check(
      { ...base, kind: "linear", weight: weightOf([11, 37]), bias: vectorOf(11), relu: false },
      vector,
      { height: 1, width: 1, channels: 11 },
      simd,
    );
    await check({ ...base, kind: "softmax" }, vector, vector, simd);
  });
});
