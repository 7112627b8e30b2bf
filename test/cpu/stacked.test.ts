import { describe, expect, test } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { observe } from "../../src/cpu/observe.js";
import { Stacking } from "../../src/cpu/stacked.js";
import type { Network } from "../../src/graph/network.js";
import { COUNT, stackLast } from "../../src/graph/stacked.js";
import { pseudoRandomNetwork } from "../../src/model/pseudo-random.js";
import { inIntegers } from "../int8/integers.js";
import { generator } from "../random.js";
import { engineFor, modules, wasm } from "./engine.js";

const network = pseudoRandomNetwork("resnet18", { classes: 10, inputSize: [224, 96] });
const next = generator(1);
const images = Array.from({ length: COUNT + 3 }, () =>
  Float32Array.from({ length: 3 * 224 * 96 }, () => 2 * next() - 1),
);

describe.each(modules.slice(-1))("%s", (simd) => {
  // Rows of a period that are no picture's: 3 behind 13, 6 behind 26 (layer3 is not stacked then), 4 behind 28.
  test.each([
    ["resnet18", [208, 112], "6x16", 3],
    ["resnet18", [416, 96], "6x8", 4],
    ["resnet18", [224, 80], "6x8", 3],
    ["resnet50", [224, 80], "6x16", 4],
  ] as const)("%s of %s, tile %s: single pictures' answers, in either order", async (name, inputSize, tile, first) => {
    const network = pseudoRandomNetwork(name, { classes: 10, inputSize: [...inputSize] });
    expect(stackLast(network)!.first).toBe(first);
    const pictures = Array.from({ length: COUNT }, () =>
      Float32Array.from({ length: 3 * inputSize[0] * inputSize[1] }, () => 2 * next() - 1),
    );
    const options = { wasm, simd, threads: 1, tile, memory: "small" } as const;
    const stacking = new Stacking();
    const engine = await stacking.open<Network>(network, options);
    const stack = stacking.stack!;
    for (const picture of pictures) stack.put(picture);
    const answers = stack.run();
    for (const picture of pictures.toReversed()) stack.put(picture);
    expect(stack.run().reverse()).toEqual(answers);
    const alone = await engineFor(network, options);
    const largest = Math.max(...answers.flatMap((it) => [...it].map(Math.abs)));
    for (const [index, picture] of pictures.entries()) {
      const expected = await alone.run(0, network.stages.length - 1, picture);
      for (const [at, value] of answers[index]!.entries())
        expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-5 * largest);
    }
    await engine.close();
    await alone.close();
  });

  test("a stack's answers are those of single pictures, on the same weights, wherever a picture lies", async () => {
    const options = { wasm, simd, threads: 1, tile: "4x8", memory: "small" } as const;
    const alone = await engineFor(network, options);
    const expected: Float32Array[] = [];
    for (const image of images) expected.push((await alone.run(0, network.stages.length - 1, image)).slice());
    const stacking = new Stacking();
    const engine = await stacking.open<Network>(network, options);
    const stack = stacking.stack!;
    expect(engine.network.stages).toHaveLength(network.stages.length);
    expect(engine.stats.wasmBytes).toBeLessThan(1.25 * alone.stats.wasmBytes);
    const largest = Math.max(...expected.flatMap((it) => [...it].map(Math.abs)));
    const near = (logits: Float32Array, image: number) => {
      expect(logits).toHaveLength(10);
      for (const [at, value] of logits.entries())
        expect(Math.abs(value - expected[image]![at]!)).toBeLessThan(1e-5 * largest);
    };

    for (const image of images.slice(0, COUNT)) stack.put(image);
    expect(stack.isFull).toBe(true);
    const whole = stack.run();
    for (const [index, logits] of whole.entries()) near(logits, index);

    // Fewer, in other places, beside others; one is looked at on its way, and one runs alone before the stack does.
    const order = [COUNT, 2, COUNT + 1, 0];
    for (const image of order.slice(0, 3)) stack.put(images[image]!);
    const looked = observe(await engine.inside(), images[order[3]!]!, () => {});
    stack.add();
    near(looked, order[3]!);
    near(await engine.run(0, network.stages.length - 1, images[5]!), 5);
    const few = stack.run();
    expect(few).toHaveLength(4);
    for (const [index, logits] of few.entries()) near(logits, order[index]!);
    expect(few[1]).toEqual(whole[2]);
    expect(few[3]).toEqual(whole[0]);

    // As many rows run as pictures have, at least those of two, and the numbers are the same.
    const { memory, program } = await engine.inside();
    const rows = () => {
      const record = program.stages[network.stages.length]!.end - 1;
      return new Int32Array(memory.buffer, program.recordsAt)[record * Field.size + Field.outHeight];
    };
    for (const count of [1, 2, 3, 5, 7, COUNT]) {
      for (const image of images.slice(0, count)) stack.put(image);
      expect(stack.run()).toEqual(whole.slice(0, count));
      expect(rows()).toBe(8 * Math.max(2, count));
    }

    // A picture of infinities harms none beside it.
    for (const image of [images[1]!, new Float32Array(3 * 224 * 96).fill(Number.POSITIVE_INFINITY), images[2]!])
      stack.put(image);
    const [before, broken, behind] = stack.run();
    expect([before, behind]).toEqual([whole[1], whole[2]]);
    expect(broken!.every(Number.isFinite)).toBe(false);
    await engine.close();

    // As in ONNX files: a name may be that of several operations, and the pool may be a stage of its own.
    const [pool, linear] = network.stages[5]!.ops;
    const stages = [
      ...network.stages.slice(0, 4),
      { ...network.stages[4]!, ops: network.stages[4]!.ops.map((op) => ({ ...op, name: "layer4.0" })) },
      { ...network.stages[5]!, output: pool!.output, ops: [pool!] },
      { ...network.stages[5]!, input: pool!.output, ops: [linear!] },
    ];
    const other = new Stacking();
    const second = await other.open<Network>({ ...network, stages } as Network, options);
    for (const image of [0, 1, 2]) other.stack!.put(images[image]!);
    for (const [image, logits] of other.stack!.run().entries()) near(logits, image);
    await Promise.all([alone.close(), second.close()]);
  });
});

test("a small network is not stacked", async () => {
  const stacking = new Stacking();
  const small = await stacking.open(pseudoRandomNetwork("resnet20-cifar"), { wasm, threads: 1 });
  expect(stacking.stack).toBeNull();
  await small.close();
});

test("a stack of integers answers as single pictures do, to the bit, on the same weights", async () => {
  const quantized = inIntegers(network, 3);
  // Beside what the clock chooses, the tile that has outliers.
  const kept = JSON.stringify({ name: "4x8", filtering: 2, pairs: false });
  const store = { get: async () => kept, set: async () => {} };
  const settings = [...modules.map((simd) => ({ simd })), ...modules.slice(1).map((simd) => ({ simd, store }))];
  for (const setting of settings) {
    const options = { wasm, threads: 1, ...setting };
    const alone = await engineFor(quantized, options);
    const stacking = new Stacking();
    const engine = await stacking.open<Network>(quantized, options);
    const stack = stacking.stack!;
    expect(engine.stats.wasmBytes).toBeLessThan(1.25 * alone.stats.wasmBytes);
    const expected: Float32Array[] = [];
    for (const image of images) expected.push((await alone.run(0, quantized.stages.length - 1, image)).slice());
    expect(expected[1]).not.toEqual(expected[0]);
    for (const count of [COUNT, 1, 5]) {
      for (const image of images.slice(-count)) stack.put(image);
      expect(stack.run()).toEqual(expected.slice(-count));
    }
    stack.put(images[0]!);
    expect(await engine.run(0, quantized.stages.length - 1, images[1]!)).toEqual(expected[1]);
    expect(stack.run()).toEqual([expected[0]]);
    await Promise.all([alone.close(), engine.close()]);
  }
});

test("integers are stacked where no 1x1 convolution has a stride of 1 and nothing lies between pictures but zeros", () => {
  const withValues = (name: string, zero: number) => {
    const float = pseudoRandomNetwork(name, { inputSize: [224, 96] });
    const quantization = { type: "u8", scale: 1, zero } as const;
    return { ...float, values: float.values.map((shape) => ({ ...shape, quantization })) };
  };
  expect(stackLast(withValues("resnet18", 0))!.first).toBe(3);
  expect(stackLast(withValues("resnet18", 3))).toBeNull();
  expect(stackLast(withValues("resnet50", 0))).toBeNull();
});
