import { expect, test } from "vitest";
import { integerForm } from "../../src/cpu/int8/pack.js";
import type { ConvOp, Quantization, ValueShape } from "../../src/graph/network.js";
import { wasm } from "../cpu/engine.js";
import { integersOf } from "./integers.js";
import { runRecord, setups } from "./run-record.js";

// More products than 32 bits hold where all are the largest.
const CHANNELS = 66_800;

test("a layer whose sums 32 bits may not hold runs in float", async () => {
  const values = Int16Array.from({ length: CHANNELS }, () => 255);
  const weights = Int8Array.from({ length: 8 * CHANNELS }, () => 127);
  const scales = Float64Array.from({ length: 8 }, () => 1e-9);
  const quantization = (scale: number, zero = 0): Quantization => ({ type: "u8", scale, zero });
  const op: ConvOp = {
    ...{ kind: "conv", name: "wide", inputs: [1], output: 3, kernel: [1, 1], stride: [1, 1] },
    ...{ padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, relu: false },
    weight: integersOf([8, CHANNELS, 1, 1], weights, scales),
    bias: null,
  };
  const pixel = { height: 1, width: 1 };
  const shapes: readonly [ValueShape, ValueShape, ValueShape, ValueShape] = [
    { ...pixel, channels: 3 },
    { ...pixel, channels: CHANNELS, quantization: quantization(1) },
    { ...pixel, channels: 8 },
    { ...pixel, channels: 8, quantization: quantization(0.02, 10) },
  ];
  const setup = setups.find(({ simd }) => simd === "baseline")!;
  const module = await wasm("int8-extended-baseline");
  const run = runRecord(op, shapes, [values], setup, module, { isRounded: true });
  await expect(run).rejects.toThrow("wide was lowered to qs8_,f32_,qs8_");
});

test("a file with such a layer is refused where it would run in integers", () => {
  const rows = integersOf([8, CHANNELS, 1, 1], new Int8Array(8 * CHANNELS), new Float64Array(8)).int8!;
  const { pack } = integerForm(rows, 2, { inputScale: 1, outputScale: 1 });
  const job = { weight: { shape: [8, CHANNELS, 1, 1] }, bias: null, depth: CHANNELS, taps: 1, groups: 1, groupOut: 8 };
  const packing = pack(job as never, {} as never, { memory: { buffer: new ArrayBuffer(0) } } as never);
  expect(() => packing.next()).toThrow(/sums 66800 products; 32 bits hold 66311/);
});
