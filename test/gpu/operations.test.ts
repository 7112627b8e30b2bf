import { afterAll, describe, expect, test } from "vitest";
import { createGpuEngine, type GpuEngine } from "../../src/gpu/index.js";
import { hardwareTiling } from "../../src/gpu/tiles.js";
import type { ActivationOp, Network, Op, ValueShape } from "../../src/graph/network.js";
import { toNhwc } from "../cpu/check.js";
import { dense, imageReaders, readerNetwork } from "../cpu/image-readers.js";
import { conv, convOutput, networkOf, uneven, values, vectorOf, weightOf } from "../cpu/one-operation.js";
import { runOp, runReference } from "../model/reference.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: GPU operations, ${skip}`);

const base = { name: "op", inputs: [1], output: 2 } as const;
const image = { height: 9, width: 7, channels: 10 };
const vector = { height: 1, width: 1, channels: 37 };

const functions: readonly ActivationOp["function"][] = ["leaky-relu", "relu6", "silu", "gelu", "elu"];
const cases: [string, Op, ValueShape, ValueShape][] = [
  ...functions.map((name): [string, Op, ValueShape, ValueShape] => [
    name,
    { ...base, kind: "activation", function: name, slope: 0.2 },
    image,
    image,
  ]),
  ...[1, 2, 3].map((stride): [string, Op, ValueShape, ValueShape] => [
    `blur pool, stride ${stride}`,
    { ...base, kind: "blurPool", stride },
    image,
    { ...image, height: Math.ceil(9 / stride), width: Math.ceil(7 / stride) },
  ]),
  ["the largest of all", { ...base, kind: "globalMaxPool" }, image, { ...image, height: 1, width: 1 }],
  ["unit length", { ...base, kind: "l2Normalize", epsilon: 1e-12 }, vector, vector],
  ["unit length, of next to nothing", { ...base, kind: "l2Normalize", epsilon: 1e3 }, vector, vector],
  [
    "linear with ReLU",
    { ...base, kind: "linear", weight: weightOf([21, 37]), bias: vectorOf(21), relu: true },
    vector,
    { ...vector, channels: 21 },
  ],
  [
    "max-pool in ceil mode",
    { ...base, kind: "maxPool", kernel: [3, 3], stride: [2, 2], padding: [0, 0, 0, 0] },
    { ...image, height: 8, width: 6 },
    { ...image, height: 4, width: 3 },
  ],
  [
    "2x2 max-pool",
    { ...base, kind: "maxPool", kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
    image,
    { ...image, height: 4, width: 3 },
  ],
  ...([1, 2] as const).map((stride): [string, Op, ValueShape, ValueShape] => {
    const weight = weightOf([12, 10, 3, 3]);
    const op = conv({ weight, stride: [stride, stride], dilation: [2, 2], padding: [2, 2, 2, 2], relu: true });
    return [`dilated convolution, stride ${stride}`, op, image, convOutput(op, image)];
  }),
  ...uneven.flatMap((padding): [string, Op, ValueShape, ValueShape][] => {
    const [top, left, bottom, right] = padding;
    const along = (extent: number) => Math.ceil((extent - 3) / 2) + 1;
    const pooled = { ...image, height: along(image.height + top + bottom), width: along(image.width + left + right) };
    const window = { kernel: [3, 3], stride: [2, 2], padding } as const;
    return [
      ...([1, 2] as const).map((stride): [string, Op, ValueShape, ValueShape] => {
        const op = conv({ weight: weightOf([12, 10, 3, 3]), stride: [stride, stride], padding, relu: true });
        return [`convolution, stride ${stride}, padding ${padding}`, op, image, convOutput(op, image)];
      }),
      // A window of padding alone has no largest value.
      ...[padding]
        .filter((rows) => Math.max(...rows) < 3)
        .map((): [string, Op, ValueShape, ValueShape] => [
          `max-pool, padding ${padding}`,
          { ...base, kind: "maxPool", ...window },
          image,
          pooled,
        ]),
      ...[true, false].map((countPadding): [string, Op, ValueShape, ValueShape] => [
        `average pool, padding ${padding}, counted: ${countPadding}`,
        { ...base, kind: "averagePool", ...window, countPadding },
        image,
        pooled,
      ]),
    ];
  }),
];

function expectClose(got: Float32Array, expected: Float32Array): void {
  expect(got).toHaveLength(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [at, value] of expected.entries()) {
    expect(Math.abs(got[at]! - value) / largest, `value ${at}`).toBeLessThan(5e-6);
  }
}

describe.skipIf(!gpu)("operations against plain loops", () => {
  const open: GpuEngine[] = [];
  // A device that is still alive keeps a core busy.
  afterAll(async () => {
    for (const engine of open) await engine.close();
  });

  async function run(network: Network, stage: number, x: Float32Array): Promise<Float32Array> {
    const engine = await createGpuEngine(network, { gpu: gpu!, tiling: hardwareTiling });
    open.push(engine);
    const got = await engine.run(stage, stage, x);
    await engine.close();
    return got;
  }

  test.each(cases)("%s", async (_, op, input, output) => {
    const network = networkOf(op, [{ ...input, channels: 3 }, input, output]);
    const x = values(input.channels * input.height * input.width).map((value) => 8 * value);
    const expected = runOp(
      op,
      () => Float64Array.from(x),
      (id) => network.values[id]!,
    );
    const got = await run(network, 1, toNhwc(x, input));
    expectClose(got, toNhwc(expected, output));
  });

  test.each(imageReaders)("the image is read by $kind", async (op) => {
    const network = readerNetwork(op);
    const { channels, height, width } = network.values[0]!;
    const x = values(channels * height * width);
    const got = await run(network, 0, x);
    expectClose(got, dense(runReference(network, x), network.values[network.output]!));
  });

  test.each(functions)("%s far from zero and close to it", async (name) => {
    const xs = [-1e4, -100, -20, -9, -3, -1, -0.02, -0.009, -1e-4, 0, 1e-4, 0.5, 2, 7, 20, 100, 1e4];
    const shape = { height: 1, width: xs.length, channels: 1 };
    const op: Op = { ...base, kind: "activation", function: name };
    const got = await run(networkOf(op, [{ ...shape, channels: 3 }, shape, shape]), 1, toNhwc(xs, shape));
    const expected = runOp(
      op,
      () => Float64Array.from(xs),
      () => shape,
    );
    // WGSL's exp may err by (3 + 2 |x|) units in the last place.
    for (const [at, x] of xs.entries()) {
      const allowed = 1e-5 * Math.abs(expected[at]!) + 1e-10;
      expect(
        Math.abs(got[4 * at]! - expected[at]!),
        `${name}(${x}) = ${expected[at]}, got ${got[4 * at]}`,
      ).toBeLessThan(allowed);
    }
  });
});
