import { expect, test } from "vitest";
import type { Accelerator, AcceleratorName, FirstEngine } from "../../src/engine.js";
import type { Network } from "../../src/graph/network.js";
import { withoutPadding } from "../../src/graph/tensor.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import type { Openers } from "../../src/schedule/opened.js";
import { Scheduler } from "../../src/schedule/scheduler.js";
import { toNhwc } from "../cpu/check.js";
import { engineFor } from "../cpu/engine.js";
import { values } from "../cpu/one-operation.js";
import { runOp } from "../model/reference.js";

// docs/extending.md's fifth recipe: an engine behind the seam, which computes by plain loops, under a name of its own.

/** In the library it would be one of `DeviceName` (src/engine.ts). */
const loopsName = "loops" as AcceleratorName;

class LoopEngine implements Accelerator {
  readonly device = loopsName;
  readonly stats = { kernels: "plain loops" };
  runs = 0;
  closed = false;

  constructor(readonly network: Network) {}

  async run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    this.runs++;
    const { stages, values: shapes } = this.network;
    const shapeOf = (id: number) => shapes[id]!;
    const made = new Map([[stages[first]!.input, this.#fromCaller(first, input)]]);
    for (const stage of stages.slice(first, last + 1)) {
      for (const op of stage.ops)
        made.set(
          op.output,
          runOp(op, (id) => made.get(id)!, shapeOf),
        );
    }
    const { output } = stages[last]!;
    const shape = shapeOf(output);
    const nhwc = toNhwc(made.get(output)!, shape);
    return last < stages.length - 1 ? nhwc : withoutPadding(nhwc, shape.height * shape.width, shape.channels);
  }

  /** CHW of what crosses the seam: the image's planes, or else NHWC with padded channels. */
  #fromCaller(first: number, input: Float32Array): Float64Array {
    if (first === 0) return Float64Array.from(input);
    const { height, width, channels } = this.network.values[this.network.stages[first]!.input]!;
    const step = input.length / (height * width);
    return Float64Array.from({ length: channels * height * width }, (_, at) => {
      const channel = Math.floor(at / (height * width));
      return input[(at % (height * width)) * step + channel]!;
    });
  }

  async echo(_stage: number, _input: Float32Array): Promise<void> {}

  async close(): Promise<void> {
    this.closed = true;
  }
}

test("a device of one's own is checked, used and closed", async () => {
  const network = pseudoRandomNetwork("resnet20-cifar", { inputSize: 16, classes: 10 });
  const cpu = await engineFor(network);
  const loops = new LoopEngine(network);
  const scheduler = new Scheduler({
    cpu: cpu satisfies FirstEngine,
    device: loopsName,
    openers: { [loopsName]: async () => ({ engine: loops, software: false, key: "loops" }) } as Openers,
  });
  const input = values(3 * 16 * 16);
  const expected = (await cpu.run(0, network.stages.length - 1, input)).slice();
  await scheduler.start();
  const before = loops.runs;
  const got = await scheduler.run(input);
  expect(loops.runs).toBeGreaterThan(before);
  expect(scheduler.plan.stages.every(({ device }) => device === loopsName)).toBe(true);
  expect(scheduler.plan.stages[0]!.reason).toBe("the LOOPS was asked for");
  expect(scheduler.stats).toEqual({ ...cpu.stats, kernels: `${cpu.stats.kernels}, plain loops` });
  const largest = Math.max(...expected.map(Math.abs));
  for (const [at, value] of expected.entries()) expect(Math.abs(got[at]! - value) / largest).toBeLessThan(1e-5);
  await scheduler.close();
  expect(loops.closed).toBe(true);
});
