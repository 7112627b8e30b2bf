import { describe, expect, test } from "vitest";
import type { ActivationOp, ConvOp, Op, ValueShape } from "../../../src/graph/network.js";
import { conv, convOutput, vectorOf, weightOf } from "../one-operation.js";
import { check, setups } from "./run.js";

const f = Math.fround;

function depthwise(channels: number, size: readonly [number, number], fields: Partial<ConvOp> = {}): ConvOp {
  return conv({ weight: weightOf([channels, 1, ...size]), groups: channels, ...fields });
}

describe.each(setups)("$variant", (setup) => {
  const strips: [kernel: number, stride: number, width: number][] = [];
  for (const kernel of [3, 5]) {
    for (const stride of [1, 2])
      for (const width of [1, 2, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 22, 29]) strips.push([kernel, stride, width]);
  }
  test.each(strips)("depthwise %d, stride %d, %d wide", async (size, stride, width) => {
    const half = size >> 1;
    const names = new Set<string>();
    for (const channels of [3, 8, 13]) {
      for (const height of [1, 2, 6]) {
        for (const padding of [
          [half, half, half, half],
          [0, 0, half, half],
          [half, 0, 0, half],
        ] as const) {
          const op = depthwise(channels, [size, size], { stride: [stride, stride], padding, relu: height === 2 });
          const input = { height, width, channels };
          const output = convOutput(op, input);
          if (output.height < 1 || output.width < 1) continue;
          for (const name of await check([op], [input], [output], setup)) names.add(name);
        }
      }
    }
    for (const name of names) expect(["f32_depthwise", "f32_depthwise_any"]).toContain(name);
  });

  test("strips of seven and of four are taken where they fit, and other windows go tap by tap", async () => {
    const of = (op: ConvOp, height: number, width: number) => {
      const input = { height, width, channels: op.groups };
      return check([op], [input], [convOutput(op, input)], setup);
    };
    const padding = [1, 1, 1, 1] as const;
    expect(await of(depthwise(8, [3, 3], { padding }), 7, 7)).toEqual(["f32_depthwise"]);
    expect(await of(depthwise(8, [3, 3], { padding }), 7, 3)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(8, [7, 7], { padding: [3, 3, 3, 3] }), 9, 9)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(5, [3, 5], { padding: [1, 2, 1, 2] }), 9, 9)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(8, [3, 3], { padding: [2, 2, 2, 2], dilation: [2, 2] }), 9, 9)).toEqual([
      "f32_depthwise_any",
    ]);
    expect(await of(depthwise(8, [3, 3], { padding: [4, 4, 4, 4] }), 3, 3)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(8, [3, 3], { stride: [2, 1] }), 9, 9)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(8, [3, 3], { stride: [3, 3] }), 9, 9)).toEqual(["f32_depthwise_any"]);
    expect(await of(depthwise(3, [2, 2], { dilation: [3, 2], padding: [3, 1, 2, 2] }), 5, 6)).toEqual([
      "f32_depthwise_any",
    ]);
  });

  test("a depthwise convolution with a summand", async () => {
    const shape = { height: 9, width: 9, channels: 13 };
    const op = depthwise(13, [3, 3], { padding: [1, 1, 1, 1], inputs: [1, 2], output: 3, relu: true });
    await check([op], [shape, shape], [shape], setup);
  });

  test("more channels out than in, in groups of one", async () => {
    const op = conv({ weight: weightOf([12, 1, 3, 3]), groups: 6, padding: [1, 1, 1, 1] });
    const input = { height: 5, width: 6, channels: 6 };
    await check([op], [input], [convOutput(op, input)], setup);
  });

  const activations: readonly Omit<ActivationOp, "kind" | "name" | "inputs" | "output">[] = [
    { function: "relu6" },
    { function: "clip", alpha: 0, beta: f(0.3) },
    { function: "silu" },
    { function: "hard-swish" },
    { function: "hard-sigmoid", alpha: f(1 / 6), beta: 0.5 },
    { function: "sigmoid" },
    { function: "mish" },
    { function: "tanh" },
    { function: "gelu" },
    { function: "elu", alpha: f(0.5) },
    { function: "leaky-relu", slope: f(0.1) },
    { function: "prelu", slopes: vectorOf(24) },
    { function: "clip", alpha: f(-0.2), beta: f(0.3) },
  ];
  const makers: readonly [name: string, op: ConvOp, input: ValueShape][] = [
    ["1x1", conv({ weight: weightOf([24, 8, 1, 1]) }), { height: 7, width: 9, channels: 8 }],
    ["a wide 1x1", conv({ weight: weightOf([64, 64, 1, 1]) }), { height: 7, width: 9, channels: 64 }],
    ["3x3", conv({ weight: weightOf([24, 5, 3, 3]), padding: [1, 1, 1, 1] }), { height: 8, width: 8, channels: 5 }],
    ["depthwise", depthwise(24, [3, 3], { padding: [1, 1, 1, 1] }), { height: 8, width: 9, channels: 24 }],
    ["any depthwise", depthwise(24, [3, 3], { padding: [2, 2, 2, 2] }), { height: 4, width: 5, channels: 24 }],
    [
      "groups",
      conv({ weight: weightOf([24, 4, 3, 3]), groups: 3, stride: [2, 2] }),
      { height: 9, width: 9, channels: 12 },
    ],
    ["odd groups", conv({ weight: weightOf([6, 2, 3, 3]), groups: 3 }), { height: 6, width: 6, channels: 6 }],
    ["odd channels", conv({ weight: weightOf([13, 3, 1, 1]) }), { height: 6, width: 6, channels: 3 }],
  ];
  describe.each(makers)("behind %s", (maker, op, input) => {
    test.each(activations)("$function", async (activation) => {
      const output = convOutput(op, input);
      const slopes = activation.function === "prelu" ? { slopes: vectorOf(output.channels) } : {};
      const follower: Op = { kind: "activation", name: "act", inputs: [2], output: 3, ...activation, ...slopes };
      for (const tile of ["4x8", "6x8", "6x16"] as const) {
        if (setup.variant.includes("baseline") && tile !== "4x8") continue;
        // Minimal filtering and Strassen's halves have fewer digits, and a bound makes the largest value small.
        const tolerance = ["3x3", "a wide 1x1"].includes(maker) ? 5e-5 : 5e-6;
        await check([op, follower], [input], [output, output], setup, { tile, tolerance });
      }
    });
  });

  test("a summand is added before the activation", async () => {
    const shape = { height: 5, width: 6, channels: 24 };
    const op = conv({ weight: weightOf([24, 24, 1, 1]), inputs: [1, 2], output: 3 });
    const follower: Op = { kind: "activation", name: "act", inputs: [3], output: 4, function: "hard-swish" };
    expect(await check([op, follower], [shape, shape], [shape, shape], setup)).toContain("f32_conv+hard_swish");
  });

  test("what is read twice is stored before its activation", async () => {
    const shape = { height: 5, width: 6, channels: 8 };
    const op = conv({ weight: weightOf([8, 8, 1, 1]) });
    const ops: Op[] = [
      op,
      { kind: "activation", name: "act", inputs: [2], output: 3, function: "sigmoid" },
      { kind: "binary", name: "gate", inputs: [2, 3], output: 4, function: "multiply" },
    ];
    expect(await check(ops, [shape], [shape, shape, shape], setup)).toEqual([
      "f32_conv",
      "f32_sigmoid",
      "f32_multiply",
    ]);
  });

  test("squeeze-and-excitation", async () => {
    for (const channels of [8, 13]) {
      const shape = { height: 5, width: 6, channels };
      const pooled = { ...shape, height: 1, width: 1 };
      const inner = { ...pooled, channels: 3 };
      const ops: Op[] = [
        { kind: "globalAveragePool", name: "pool", inputs: [1], output: 2 },
        conv({ name: "reduce", weight: weightOf([3, channels, 1, 1]), inputs: [2], output: 3 }),
        { kind: "activation", name: "silu", inputs: [3], output: 4, function: "silu" },
        conv({ name: "expand", weight: weightOf([channels, 3, 1, 1]), inputs: [4], output: 5 }),
        { kind: "activation", name: "gate", inputs: [5], output: 6, function: "sigmoid" },
        { kind: "binary", name: "scale", inputs: [1, 6], output: 7, function: "multiply" },
      ];
      await check(ops, [shape], [pooled, inner, inner, pooled, pooled, shape], setup);
    }
  });

  test.each(["relu6", "silu"] as const)("a sum and its %s", async (name) => {
    const shape = { height: 3, width: 5, channels: 5 };
    const ops: Op[] = [
      { kind: "binary", name: "sum", inputs: [1, 2], output: 3, function: "add" },
      { kind: "activation", name: "act", inputs: [3], output: 4, function: name },
    ];
    expect(await check(ops, [shape, shape], [shape, shape], setup)).toContain(`f32_add+${name}`);
    const relu: Op = { kind: "relu", name: "act", inputs: [3], output: 4 };
    expect(await check([ops[0]!, relu], [shape, shape], [shape, shape], setup)).toContain("f32_add+relu");
  });
});
