import type { ConvOp, LinearOp, Padding, Quantization, ValueShape } from "../../src/graph/network.js";
import { convOutput } from "../cpu/one-operation.js";
import { generator } from "../random.js";
import { integersOf } from "./integers.js";
import { runRecord, type Setup } from "./run-record.js";

const random = generator(11);
const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
const image: ValueShape = { height: 1, width: 1, channels: 1 };

/** Rounds to the nearest integer, ties to even. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** As `Quantization` has them, or -64..63 as 0..127. */
type Type = Quantization["type"] | "s7";
const quantized = (type: Type, scale: number, zero = 0): Quantization =>
  type === "s7" ? { type: "u7", scale, zero: 64 } : { type, scale, ...(zero === 0 ? {} : { zero }) };

interface Case {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  /** Of both axes, or of the four sides. */
  readonly padding?: readonly [number, number] | Padding;
  readonly dilation?: readonly [number, number];
  readonly groups?: number;
  readonly summand?: Type;
  /** What is read: 0..127 unless it is said to be 0..255, or -64..63 as 0..127. */
  readonly from?: "u8" | "s7";
  readonly type: "u7" | "u8" | "s8" | "s7";
  /** What stands for zero in the input, the summand and the output, where another graph says so. */
  readonly zeros?: readonly [input: number, summand: number, output: number];
  /** Every weight and activation as large as it can be: of either sign, or all of one, so that sums are as large as they can be. */
  readonly extreme?: "signs" | "sums";
  /**
   * Weights are within -64..64 but for these pairs of words, tap by tap, of every panel: of the first the first channel has the four
   * largest, of the next one the second.
   */
  readonly outliers?: readonly number[];
}

const cases: readonly Case[] = [
  { name: "1x1", height: 7, width: 7, channels: 64, out: 32, kernel: [1, 1], type: "u7" },
  { name: "1x1, one pixel, odd channels", height: 1, width: 1, channels: 5, out: 9, kernel: [1, 1], type: "s8" },
  { name: "1x1 with a stride", height: 9, width: 7, channels: 33, out: 50, kernel: [1, 1], stride: [2, 2], type: "s8" },
  {
    name: "3x3 with a summand",
    height: 8,
    width: 9,
    channels: 16,
    out: 24,
    kernel: [3, 3],
    padding: [1, 1],
    summand: "u7",
    type: "u7",
  },
  {
    name: "3x3, summand below zero",
    height: 5,
    width: 5,
    channels: 20,
    out: 17,
    kernel: [3, 3],
    padding: [1, 1],
    summand: "s8",
    type: "u7",
  },
  {
    name: "3x3, stride 2",
    height: 11,
    width: 6,
    channels: 7,
    out: 9,
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1],
    type: "u7",
  },
  {
    name: "3x3, dilated",
    height: 13,
    width: 12,
    channels: 32,
    out: 16,
    kernel: [3, 3],
    padding: [2, 2],
    dilation: [2, 2],
    type: "u7",
  },
  {
    name: "7x7",
    height: 10,
    width: 10,
    channels: 3,
    out: 8,
    kernel: [7, 7],
    stride: [2, 2],
    padding: [3, 3],
    type: "u7",
  },
  { name: "1x5", height: 6, width: 10, channels: 12, out: 40, kernel: [1, 5], padding: [0, 2], type: "s8" },
  {
    name: "groups of four",
    height: 6,
    width: 6,
    channels: 32,
    out: 32,
    kernel: [3, 3],
    padding: [1, 1],
    groups: 8,
    summand: "u7",
    type: "u7",
  },
  {
    name: "groups of eight and twelve",
    height: 5,
    width: 7,
    channels: 16,
    out: 24,
    kernel: [3, 3],
    padding: [1, 1],
    groups: 2,
    type: "s8",
  },
  { name: "3x3, one pixel", height: 1, width: 1, channels: 3, out: 25, kernel: [3, 3], padding: [1, 1], type: "u7" },
  { name: "3x3 without a border", height: 11, width: 14, channels: 40, out: 33, kernel: [3, 3], type: "s8" },
  {
    name: "3x3, more tiles than go together",
    height: 30,
    width: 29,
    channels: 240,
    out: 16,
    kernel: [3, 3],
    padding: [1, 1],
    summand: "u7",
    type: "u7",
  },
  {
    name: "3x3 of eight bits with a summand of eight",
    height: 9,
    width: 6,
    channels: 33,
    out: 20,
    kernel: [3, 3],
    padding: [1, 1],
    from: "u8",
    summand: "u8",
    type: "u7",
  },
  { name: "1x1 of eight bits", height: 5, width: 7, channels: 64, out: 40, kernel: [1, 1], from: "u8", type: "s8" },
  {
    name: "the largest sums of eight bits",
    height: 5,
    width: 6,
    channels: 256,
    out: 16,
    kernel: [3, 3],
    padding: [1, 1],
    from: "u8",
    type: "u7",
    extreme: "sums",
  },
  { name: "many rows", height: 37, width: 41, channels: 48, out: 16, kernel: [1, 1], type: "u7" },
  {
    name: "extremes",
    height: 4,
    width: 5,
    channels: 512,
    out: 16,
    kernel: [3, 3],
    padding: [1, 1],
    type: "s8",
    extreme: "signs",
    summand: "s8",
  },
  {
    name: "the largest sums",
    height: 6,
    width: 5,
    channels: 512,
    out: 16,
    kernel: [3, 3],
    padding: [1, 1],
    type: "u7",
    extreme: "sums",
  },
];

/** Panels with as many outliers as there is room for, with one more, and with several channels' in one word. */
const outliers: readonly Case[] = [
  ...[[], [0], [7], [5, 5, 5], [2, 6]].map(
    (outliers): Case => ({
      ...{ name: "1x1 of 16 words", height: 7, width: 7, channels: 64, out: 32, kernel: [1, 1], type: "u7", outliers },
    }),
  ),
  ...[[35], [0, 17], [3, 4, 30]].map(
    (outliers): Case => ({
      ...{ name: "3x3 with a stride of 72 words", height: 9, width: 6, channels: 32, out: 41, kernel: [3, 3] },
      ...{ stride: [2, 2], padding: [1, 1], type: "s8", outliers },
    }),
  ),
  ...[
    [9, 0, 31, 30],
    [0, 1, 2, 3, 4],
  ].map(
    (outliers): Case => ({
      ...{ name: "1x1 of 64 words, one pixel", height: 1, width: 1, channels: 256, out: 20, kernel: [1, 1] },
      ...{ summand: "u7", type: "u7", outliers },
    }),
  ),
  {
    ...{ name: "3x3, dilated, of 36 words", height: 13, width: 12, channels: 16, out: 24, kernel: [3, 3] },
    ...{ padding: [2, 2], dilation: [2, 2], type: "u7", outliers: [17, 4] },
  },
  ...[[0], [8], [1, 2]].map(
    (outliers): Case => ({
      ...{ name: "groups of eight", height: 6, width: 7, channels: 32, out: 36, kernel: [3, 3], padding: [1, 1] },
      ...{ groups: 4, type: "s8", outliers },
    }),
  ),
  ...[[], [0], [8], [1, 2]].map(
    (outliers): Case => ({
      ...{ name: "groups of twelve", height: 6, width: 7, channels: 24, out: 16, kernel: [3, 3], padding: [1, 1] },
      ...{ groups: 2, type: "s8", outliers },
    }),
  ),
];

/** Makes weights of neighbouring channels of two words of four as large as they can be: see `Case`. */
function enlarge(weights: Int8Array, { out, channels, kernel, groups = 1, outliers = [] }: Case): void {
  const [depth, groupOut, taps] = [channels / groups, out / groups, kernel[0] * kernel[1]];
  for (let row = 0; row < out; row++) {
    const column = (row % groupOut) % 8;
    const columns = Math.min(8, groupOut - ((row % groupOut) - column));
    for (const [index, pair] of outliers.entries()) {
      if (index % columns !== column) continue;
      const tapPairs = Math.floor(depth / 8);
      const tap = Math.floor(pair / tapPairs);
      const first = 8 * (pair % tapPairs) + 2 * (index % 2);
      for (const channel of [0, 1, 4, 5])
        weights[(row * depth + first + channel) * taps + tap] = index & 2 ? -127 : 127;
    }
  }
}

/** A value without an activation is read, added and stored. */
const offset: readonly Case[] = [
  { name: "to -64..63", height: 7, width: 6, channels: 96, out: 24, kernel: [1, 1], type: "s7" },
  { name: "of -64..63", height: 7, width: 6, channels: 24, out: 40, kernel: [1, 1], from: "s7", type: "u7" },
  {
    ...{ name: "of -64..63 with one to -64..63", height: 5, width: 9, channels: 35, out: 17, kernel: [1, 1] },
    ...{ from: "s7", summand: "s7", type: "s7" },
  },
  {
    ...{ name: "3x3 with a summand of -64..63", height: 9, width: 6, channels: 16, out: 20, kernel: [3, 3] },
    ...{ padding: [1, 1], summand: "s7", type: "s8" },
  },
  {
    ...{ name: "of -64..63", height: 5, width: 5, channels: 64, out: 24, kernel: [1, 1] },
    ...{ from: "s7", type: "u7", outliers: [3] },
  },
  {
    ...{ name: "the largest sums of -64..63", height: 5, width: 6, channels: 512, out: 16, kernel: [1, 1] },
    ...{ from: "s7", type: "s7", extreme: "sums" },
  },
];

/** As the graphs of other makers have them: 0..255, any zero, which padding reads as well. */
const rounded: readonly Case[] = [
  { name: "to 0..255", height: 7, width: 6, channels: 96, out: 24, kernel: [1, 1], type: "u8", zeros: [0, 0, 0] },
  {
    ...{ name: "1x1 of 0..255 to 0..255", height: 5, width: 7, channels: 35, out: 17, kernel: [1, 1] },
    ...{ from: "u8", type: "u8", zeros: [131, 0, 97] },
  },
  {
    ...{ name: "3x3 of 0..255, padded", height: 9, width: 6, channels: 20, out: 24, kernel: [3, 3], padding: [1, 1] },
    ...{ from: "u8", type: "u8", zeros: [131, 0, 97] },
  },
  {
    ...{ name: "3x3 with a stride of 2, padded", height: 9, width: 8, channels: 33, out: 9, kernel: [3, 3] },
    ...{ padding: [0, 2, 1, 1], stride: [2, 2], from: "u8", type: "u8", zeros: [255, 0, 128] },
  },
  {
    ...{ name: "3x3 with a summand of 0..255", height: 5, width: 9, channels: 16, out: 20, kernel: [3, 3] },
    ...{ padding: [1, 1], from: "u8", summand: "u8", type: "u8", zeros: [0, 112, 60] },
  },
  {
    ...{ name: "groups of 0..255", height: 6, width: 6, channels: 24, out: 24, kernel: [3, 3], padding: [1, 1] },
    ...{ groups: 2, from: "u8", type: "u8", zeros: [7, 0, 200] },
  },
  {
    ...{ name: "the largest sums of 0..255", height: 5, width: 6, channels: 256, out: 16, kernel: [3, 3] },
    ...{ padding: [1, 1], from: "u8", type: "u8", zeros: [0, 0, 5], extreme: "sums" },
  },
  ...[3, 5].flatMap((kernel) =>
    [1, 2].map(
      (stride): Case => ({
        ...{ name: `depthwise ${kernel}x${kernel}, stride ${stride}, to 0..255`, height: 8, width: 9, channels: 21 },
        ...{ out: 21, groups: 21, kernel: [kernel, kernel], stride: [stride, stride], padding: [1, 1] },
        ...{ from: "u8", type: "u8", zeros: [0, 0, 140] },
      }),
    ),
  ),
];

const sides: readonly Padding[] = [
  [0, 0, 0, 0],
  [1, 1, 1, 1],
  [0, 1, 2, 0],
  [2, 2, 2, 2],
];
const windows = [3, 5].flatMap((kernel) =>
  [1, 2].flatMap((stride) => sides.map((padding) => ({ kernel, stride, padding }))),
);
const depthwise: readonly Case[] = windows.flatMap(({ kernel, stride, padding }, index) => {
  const channels = [8, 33, 16, 48][index % 4]!;
  const geometry = { kernel: [kernel, kernel], stride: [stride, stride], padding } as const;
  const shape = {
    ...geometry,
    height: 6 + (index % 3),
    width: 5 + (index % 5),
    channels,
    out: channels,
    groups: channels,
  };
  const name = `depthwise ${kernel}x${kernel}, stride ${stride}, padding ${padding}`;
  return [
    { ...shape, name: `${name}, 0..127`, type: (["u7", "s8", "s7"] as const)[index % 3]! },
    { ...shape, name: `${name}, 0..255`, from: "u8", type: "u7" },
    { ...shape, name: `${name}, extremes`, from: index % 2 ? ("u8" as const) : undefined, type: "s8", extreme: "sums" },
  ] as Case[];
});

/** Channels, classes, pixels a side. */
const heads = [
  [64, 10, 7],
  [17, 3, 1],
  [2048, 1000, 7],
  [48, 9, 40],
] as const;

/** Throws for the first value that is not what was expected. */
function same(found: readonly number[], expected: readonly number[]): void {
  const at = expected.findIndex((value, index) => value !== found[index]);
  if (at >= 0) throw new Error(`value ${at} of ${expected.length} is ${found[at]}, not ${expected[at]}`);
}

async function convolution(it: Case, setup: Setup, module: WebAssembly.Module): Promise<void> {
  const groups = it.groups ?? 1;
  const depth = it.channels / groups;
  const taps = it.kernel[0] * it.kernel[1];
  const signs = () => (it.extreme === "signs" && random() < 0.5 ? -127 : 127);
  const largestWeight = it.outliers ? 64 : 127;
  const weights = Int8Array.from({ length: it.out * depth * taps }, () =>
    it.extreme ? signs() : whole(-largestWeight, largestWeight),
  );
  enlarge(weights, it);
  const scales = Float64Array.from({ length: it.out }, () => Math.fround((0.5 + random()) / 127));
  const bias = Float64Array.from({ length: it.out }, () => Math.fround(20 * (random() - 0.5)));
  const [inScale, outScale, summandScale] = [
    0.03,
    Math.fround(0.03 * (it.extreme === "sums" ? 2 * depth * taps : Math.sqrt(depth * taps))),
    0.071,
  ];
  const shapes = { height: it.height, width: it.width, channels: it.channels };
  const input: ValueShape = { ...shapes, quantization: quantized(it.from ?? "u7", inScale, it.zeros?.[0]) };
  const op: ConvOp = {
    kind: "conv",
    name: "conv",
    inputs: it.summand ? [1, 2] : [1],
    output: 3,
    kernel: it.kernel,
    stride: it.stride ?? [1, 1],
    padding: (it.padding?.length === 4 ? it.padding : [0, 1, 0, 1].map((axis) => it.padding?.[axis] ?? 0)) as Padding,
    dilation: it.dilation ?? [1, 1],
    groups,
    weight: integersOf([it.out, depth, ...it.kernel], weights, scales),
    bias: { length: it.out, read: () => bias },
    relu: it.type === "u7",
  };
  const output: ValueShape = { ...convOutput(op, input), quantization: quantized(it.type, outScale, it.zeros?.[2]) };
  const summand: ValueShape = { ...output, quantization: quantized(it.summand ?? "u7", summandScale, it.zeros?.[1]) };
  const largest = it.from === "u8" ? 255 : 127;
  const values = Int16Array.from({ length: it.height * it.width * it.channels }, () =>
    it.extreme ? largest : whole(0, largest),
  );
  const others = Int16Array.from({ length: output.height * output.width * it.out }, () =>
    whole(it.summand === "s8" ? -127 : 0, it.summand === "u8" ? 255 : 127),
  );
  const [zero, summandZero, outZero] =
    it.zeros ?? ([it.from, it.summand, it.type].map((type) => (type === "s7" ? 64 : 0)) as [number, number, number]);
  // 0..255 is computed as -128..127.
  const less = it.type === "u8" ? 128 : 0;
  const [least, most] = { u7: [0, 127], u8: [-128, 127], s8: [-127, 127], s7: [0, 127] }[it.type] as [number, number];
  const got = await runRecord(
    op,
    [image, input, summand, output],
    it.summand ? [values, others] : [values],
    setup,
    module,
    { isRounded: it.zeros !== undefined },
  );

  const step = Math.ceil(it.out / 16) * 16;
  const found: number[] = [];
  const expected: number[] = [];
  for (let y = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      for (let o = 0; o < it.out; o++) {
        let sum = 0;
        let total = 0;
        const group = Math.floor(o / (it.out / groups));
        for (let ky = 0; ky < it.kernel[0]; ky++) {
          for (let kx = 0; kx < it.kernel[1]; kx++) {
            const inY = y * op.stride[0] - op.padding[0] + ky * op.dilation[0];
            const inX = x * op.stride[1] - op.padding[1] + kx * op.dilation[1];
            const isInside = inY >= 0 && inX >= 0 && inY < it.height && inX < it.width;
            for (let c = 0; c < depth; c++) {
              const a = isInside ? values[(inY * it.width + inX) * it.channels + group * depth + c]! : zero;
              const weight = weights[((o * depth + c) * it.kernel[0] + ky) * it.kernel[1] + kx]!;
              sum += a * weight;
              total += weight;
            }
          }
        }
        const f = Math.fround;
        const factor = f((inScale * scales[o]!) / outScale);
        const added = it.summand ? f(summandScale / outScale) : 0;
        const shift = outZero - less - summandZero * added - zero * total * factor;
        let real = f(f(f(sum) * factor) + f(bias[o]! / outScale + shift));
        const pixel = y * output.width + x;
        if (it.summand) real = f(real + f(others[pixel * it.out + o]! * added));
        const stored = less + roundEven(Math.min(most, Math.max(least, real)));
        expected.push(stored);
        found.push(less ? got.getUint8(pixel * step + o) : got.getInt8(pixel * step + o));
        // By what the integers stand for, without any of these roundings.
        const summand = it.summand ? (others[pixel * it.out + o]! - summandZero) * summandScale : 0;
        const exact = ((sum - zero * total) * inScale * scales[o]! + bias[o]! + summand) / outScale;
        const nearest = Math.min(most + less, Math.max(least + less, exact + outZero));
        const off = Math.abs(stored - nearest);
        if (!(off < 0.502)) throw new Error(`${stored} stands for ${exact}`);
      }
    }
  }
  same(found, expected);
  if (new Set(expected).size < 3) throw new Error("the case says nothing");
}

async function head(
  channels: number,
  classes: number,
  side: number,
  setup: Setup,
  module: WebAssembly.Module,
): Promise<void> {
  const values = Int8Array.from({ length: side * side * channels }, () => whole(0, 127));
  const input: ValueShape = { height: side, width: side, channels, quantization: { type: "u7", scale: 0.05 } };
  const pooled: ValueShape = { height: 1, width: 1, channels, quantization: { type: "s16", scale: 0.05 / 64 } };
  const got = await runRecord(
    { kind: "globalAveragePool", name: "pool", inputs: [1], output: 3 },
    [image, input, input, pooled],
    [values],
    setup,
    module,
  );
  const sums = new Int16Array(channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let at = c; at < values.length; at += channels) sum += values[at]!;
    sums[c] = roundEven(Math.fround(sum * Math.fround(64 / side ** 2)));
  }
  same(
    Array.from(sums, (_, c) => got.getInt16(2 * c, true)),
    [...sums],
  );

  const weights = Int8Array.from({ length: classes * channels }, () => whole(-127, 127));
  const scales = Float64Array.from({ length: classes }, () => Math.fround(random() / 100));
  const bias = Float64Array.from({ length: classes }, () => Math.fround(random()));
  const op: LinearOp = {
    kind: "linear",
    name: "fc",
    inputs: [1],
    output: 3,
    weight: integersOf([classes, channels], weights, scales),
    bias: { length: classes, read: () => bias },
    relu: false,
  };
  const bytes = new Int8Array(new Int16Array([...sums, ...new Int16Array((16 - (channels % 16)) % 16)]).buffer);
  const asBytes: ValueShape = { ...pooled, channels: bytes.length };
  const logits = await runRecord(
    op,
    [image, { ...pooled }, asBytes, { height: 1, width: 1, channels: classes }],
    [],
    setup,
    module,
    { raw: bytes },
  );
  for (let o = 0; o < classes; o++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += sums[c]! * weights[o * channels + c]!;
    const f = Math.fround;
    same([logits.getFloat32(4 * o, true)], [f(f(f(sum) * f((0.05 / 64) * scales[o]!)) + f(bias[o]!))]);
  }
}

/** The maxima of bytes without a sign. */
async function wholeBytes(setup: Setup, module: WebAssembly.Module): Promise<void> {
  const [height, width, channels] = [5, 6, 24];
  const values = Int16Array.from({ length: height * width * channels }, () => whole(0, 255));
  const quantization = { type: "u8", scale: 0.1 } as const;
  const input: ValueShape = { height, width, channels, quantization };
  const output: ValueShape = { height: 2, width: 3, channels, quantization };
  const got = await runRecord(
    { kind: "maxPool", name: "pool", inputs: [1], output: 3, kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
    [image, input, output, output],
    [values],
    setup,
    module,
  );
  for (let pixel = 0; pixel < 6; pixel++) {
    for (let c = 0; c < channels; c++) {
      const corner = 2 * Math.floor(pixel / 3) * width + 2 * (pixel % 3);
      const window = [0, 1, width, width + 1].map((at) => values[(corner + at) * channels + c]!);
      same([got.getUint8(pixel * 32 + c)], [Math.max(...window)]);
    }
  }
}

async function byteKernels(setup: Setup, module: WebAssembly.Module): Promise<void> {
  const [height, width, channels] = [9, 7, 20];
  const values = Int8Array.from({ length: height * width * channels }, () => whole(-127, 127));
  const quantization = { type: "s8", scale: 0.1 } as const;
  const input: ValueShape = { height, width, channels, quantization };
  const output: ValueShape = { height: 5, width: 4, channels, quantization };
  const got = await runRecord(
    { kind: "maxPool", name: "pool", inputs: [1], output: 3, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
    [image, input, output, output],
    [values],
    setup,
    module,
  );
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 4; x++) {
      for (let c = 0; c < channels; c++) {
        let best = -127;
        for (let at = 0; at < 9; at++) {
          const [inY, inX] = [2 * y - 1 + Math.floor(at / 3), 2 * x - 1 + (at % 3)];
          if (inY < 0 || inX < 0 || inY >= height || inX >= width) continue;
          best = Math.max(best, values[(inY * width + inX) * channels + c]!);
        }
        same([got.getInt8((y * 4 + x) * 32 + c)], [best]);
      }
    }
  }
  const wide: ValueShape = { height: 5, width: 4, channels: 40, quantization };
  const padded = await runRecord(
    { kind: "zeroPadShortcut", name: "pad", inputs: [1], output: 3, stride: 2, before: 10 },
    [image, input, wide, wide],
    [values],
    setup,
    module,
  );
  for (let pixel = 0; pixel < 20; pixel++) {
    for (let c = 0; c < 48; c++) {
      const from = (2 * Math.floor(pixel / 4) * width + 2 * (pixel % 4)) * channels + c - 10;
      same([padded.getInt8(pixel * 48 + c)], [c >= 10 && c < 10 + channels ? values[from]! : 0]);
    }
  }
}

/** Integers with an offset to floats and back. */
async function conversions(setup: Setup, module: WebAssembly.Module): Promise<void> {
  const [height, width, channels] = [3, 5, 21];
  const values = Int8Array.from({ length: height * width * channels }, () => whole(0, 127));
  const quantization = quantized("s7", 0.1);
  const input: ValueShape = { height, width, channels, quantization };
  const got = await runRecord(
    // It has no kernel on integers: what it reads and leaves is converted.
    {
      ...{ kind: "averagePool", name: "pool", inputs: [1], output: 3, kernel: [1, 1], stride: [1, 1] },
      ...{ padding: [0, 0, 0, 0], countPadding: false },
    },
    [image, input, input, input],
    [values],
    setup,
    module,
  );
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let c = 0; c < channels; c++) same([got.getInt8(pixel * 32 + c)], [values[pixel * channels + c]!]);
  }
}

/** Sums of two values of bytes, each with a scale and a zero of its own. */
async function sums(type: "u7" | "u8", setup: Setup, module: WebAssembly.Module): Promise<void> {
  const [height, width, channels] = [5, 4, 21];
  const most = type === "u8" ? 255 : 127;
  const shapeOf = (scale: number, zero: number, of: "u7" | "u8" = "u8"): ValueShape => {
    return { height, width, channels, quantization: quantized(of, scale, zero) };
  };
  const [one, other, sum] = [shapeOf(0.021, 112), shapeOf(0.013, 0), shapeOf(0.024, type === "u8" ? 43 : 0, type)];
  const values = [1, 2].map(() => Int16Array.from({ length: height * width * channels }, () => whole(0, 255)));
  const got = await runRecord(
    { kind: "add", name: "sum", inputs: [1, 2], output: 3, relu: type === "u7" },
    [image, one, other, sum],
    values,
    setup,
    module,
    { isRounded: true },
  );
  for (let at = 0; at < values[0]!.length; at++) {
    const [first, second] = [values[0]![at]!, values[1]![at]!];
    const exact = ((first - 112) * 0.021 + second * 0.013) / 0.024 + (type === "u8" ? 43 : 0);
    const found = got.getUint8(Math.floor(at / channels) * 32 + (at % channels));
    const off = Math.abs(found - Math.min(most, Math.max(0, exact)));
    if (!(off < 0.501)) throw new Error(`${first} and ${second} make ${found}, not ${exact}`);
  }
}

/** What is wrong with the kernels for integers of both modules, with one tile; empty where nothing is. `extended`: has depthwise ones. */
export async function problemsOf(
  setup: Setup,
  module: WebAssembly.Module,
  extended: WebAssembly.Module,
): Promise<string[]> {
  const of = (cases: readonly Case[], module: WebAssembly.Module) =>
    cases.map((it): [string, () => Promise<void>] => [
      `${it.name}${it.outliers ? `, outliers ${it.outliers}` : ""}`,
      () => convolution(it, setup, module),
    ]);
  const all: [string, () => Promise<void>][] = [
    ["conversions with an offset", () => conversions(setup, extended)],
    ...of([...cases, ...outliers], module),
    ...of([...offset, ...depthwise, ...rounded], extended),
    ["sums to 0..255", () => sums("u8", setup, extended)],
    ["sums to 0..127", () => sums("u7", setup, extended)],
    ...heads.map(([channels, classes, side]): [string, () => Promise<void>] => [
      `${channels} channels of ${side} x ${side} pixels to ${classes} classes`,
      () => head(channels, classes, side, setup, module),
    ]),
    ["max pool and zero-pad shortcut", () => byteKernels(setup, module)],
    ["max pool of eight bits", () => wholeBytes(setup, module)],
  ];
  const problems: string[] = [];
  for (const [name, run] of all) {
    await run().catch((error: Error) => problems.push(`${name}: ${error.message}`));
  }
  return problems;
}
