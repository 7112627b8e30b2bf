import { afterAll, describe, expect, test } from "vitest";
import { createGpuEngine, type GpuEngine } from "../../src/gpu/index.js";
import { hardwareTiling } from "../../src/gpu/tiles.js";
import type { ActivationOp, Network, Op, ValueId, ValueShape } from "../../src/graph/network.js";
import { toNhwc } from "../cpu/check.js";
import { networkOf, values, vectorOf } from "../cpu/one-operation.js";
import { runOp } from "../model/reference.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: GPU operations beside the plain ResNets', ${skip}`);

const shape = (height: number, width: number, channels: number): ValueShape => ({ height, width, channels });
const base = { name: "op", inputs: [1], output: 2 } as const;
const image = shape(5, 7, 10);

const activations: readonly Omit<ActivationOp, "kind" | "name" | "inputs" | "output">[] = [
  { function: "prelu", slopes: vectorOf(10) },
  { function: "elu", alpha: 0.5 },
  { function: "selu", alpha: 1.6732632, beta: 1.050701 },
  { function: "clip", alpha: 0.25, beta: 2 },
  { function: "clip", alpha: -1, beta: Number.POSITIVE_INFINITY },
  { function: "hard-sigmoid", alpha: 0.2, beta: 0.5 },
  { function: "quantize", alpha: 0.25, beta: 3 },
  { function: "quantize", alpha: 0.5, beta: 0, signed: true },
  ...(["gelu-tanh", "sigmoid", "hard-swish", "mish", "tanh", "softplus", "exp", "absolute", "erf"] as const).map(
    (name) => ({ function: name }),
  ),
];

const cases: readonly (readonly [name: string, op: Op, input: ValueShape, output: ValueShape])[] = [
  ...activations.map((it) => [it.function, { ...base, kind: "activation", ...it }, image, image] as const),
  ...(
    [
      [2, shape(5, 7, 30)],
      [0, shape(15, 7, 10)],
      [1, shape(5, 21, 10)],
    ] as const
  ).map(
    ([axis, output]) =>
      [`concat ${axis}`, { ...base, kind: "concat", inputs: [1, 1, 1], axis }, image, output] as const,
  ),
  ["slice", { ...base, kind: "slice", begin: [4, 1, 9], step: [-2, 2, -3] }, image, shape(3, 3, 4)],
  ...(["constant", "edge", "reflect"] as const).map(
    (mode) => [mode, { ...base, kind: "pad", before: [2, 1, 3], mode, value: -1.5 }, image, shape(9, 9, 14)] as const,
  ),
  ["transpose", { ...base, kind: "transpose", order: [2, 0, 1] }, image, shape(10, 5, 7)],
  ["reshape", { ...base, kind: "reshape" }, image, shape(1, 1, 350)],
  ["shuffle", { ...base, kind: "shuffleChannels", groups: 5 }, image, image],
  ...(["pixel", "image"] as const).flatMap((over) =>
    [1, 5, 10].map((groups) => {
      const op: Op = { ...base, kind: "normalize", groups, over, epsilon: 1e-3, scale: vectorOf(10), shift: null };
      return [`normalize over the ${over}, ${groups} groups`, op, image, image] as const;
    }),
  ),
  [
    "normalize whole vectors of channels",
    { ...base, kind: "normalize", groups: 3, over: "image", epsilon: 1e-3, scale: vectorOf(12), shift: null },
    shape(5, 7, 12),
    shape(5, 7, 12),
  ],
  ["local response", { ...base, kind: "localResponse", size: 4, alpha: 0.3, beta: 0.75, bias: 1 }, image, image],
  ["log softmax", { ...base, kind: "softmax", logarithm: true }, image, image],
  ...(["maxPool", "averagePool"] as const).map((kind) => {
    const window = {
      kernel: [2, 3],
      stride: [1, 2],
      padding: [1, 1, 1, 1],
      dilation: [2, 2],
      countPadding: true,
    } as const;
    return [`dilated ${kind}`, { ...base, kind, ...window } as Op, image, shape(5, 3, 10)] as const;
  }),
];

describe.skipIf(!gpu)("operations beside the plain ResNets' against plain loops", () => {
  const open: GpuEngine[] = [];
  afterAll(async () => {
    for (const engine of open) await engine.close();
  });

  async function run(network: Network, x: Float32Array): Promise<Float32Array> {
    const engine = await createGpuEngine(network, { gpu: gpu!, tiling: hardwareTiling });
    open.push(engine);
    const got = await engine.run(1, 1, x);
    await engine.close();
    return got;
  }

  function expectClose(got: Float32Array, expected: Float32Array): void {
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    for (const [at, value] of expected.entries()) {
      expect(Math.abs(got[at]! - value) / largest, `value ${at}`).toBeLessThan(1e-5);
    }
  }

  test.each(cases)("%s", async (_, op, input, output) => {
    const network = networkOf(op, [{ ...input, channels: 3 }, input, output]);
    const x = values(input.channels * input.height * input.width).map((value) => 4 * value);
    const expected = runOp(
      op,
      () => Float64Array.from(x),
      (id) => network.values[id]!,
    );
    expectClose(await run(network, toNhwc(x, input)), toNhwc(expected, output));
  });

  test.each(["add", "subtract", "multiply", "divide", "maximum", "minimum"] as const)("%s, repeated", async (name) => {
    // Of one value: a channel, a row, the mean of each channel, and one number.
    const parts: readonly (readonly [Op, ValueShape])[] = [
      [{ ...base, kind: "slice", output: 3, begin: [0, 0, 2], step: [1, 1, 1] }, shape(5, 7, 1)],
      [{ ...base, kind: "slice", output: 4, begin: [1, 0, 0], step: [1, 1, 1] }, shape(1, 7, 10)],
      [{ ...base, kind: "globalMaxPool", output: 5 }, shape(1, 1, 10)],
      [{ ...base, kind: "slice", output: 6, begin: [2, 2, 2], step: [1, 1, 1] }, shape(1, 1, 1)],
    ];
    const sums = [3, 4, 5, 6].map(
      (other): Op => ({
        ...{ kind: "binary", name: "op", function: name, output: other + 4 },
        inputs: other % 2 ? [1, other] : [other, 1],
      }),
    );
    const joined: Op = { kind: "concat", name: "op", inputs: [7, 8, 9, 10], output: 2, axis: 2 };
    const ops = [...parts.map(([op]) => op), ...sums, joined];
    const output = shape(5, 7, 40);
    const one = networkOf(joined, [shape(5, 7, 3), image, output]);
    const network: Network = {
      ...one,
      values: [shape(5, 7, 3), image, output, ...parts.map(([, it]) => it), ...sums.map(() => image), output],
      stages: one.stages.map((stage) =>
        stage.name === "op"
          ? { ...stage, ops }
          : { ...stage, ...(stage.name === "out" && { output: 11, ops: [{ ...stage.ops[0]!, output: 11 } as Op] }) },
      ),
      output: 11,
    };
    const x = values(350).map((value) => (value < 0 ? value - 0.5 : value + 0.5));
    const known = new Map<ValueId, Float64Array>([[1, Float64Array.from(x)]]);
    for (const op of ops)
      known.set(
        op.output,
        runOp(
          op,
          (id) => known.get(id)!,
          (id) => network.values[id]!,
        ),
      );
    expectClose(await run(network, toNhwc(x, image)), toNhwc(known.get(2)!, output));
  });
});
