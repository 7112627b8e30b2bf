import { expect, test } from "vitest";
import { observe } from "../../src/cpu/observe.js";
import { preprocess } from "../../src/image/index.js";
import { defaultPreprocess } from "../../src/model/index.js";
import { engineFor, modules } from "../cpu/engine.js";
import { calibrated, expected, pictures } from "./fixture.js";

const input = preprocess(pictures[0]!, defaultPreprocess(32, "3x3"));

test.each(
  modules.flatMap((simd) => (["auto", "direct", "winograd2", "winograd4"] as const).map((it) => [simd, it] as const)),
)(
  "%s, %s: values before ReLU and sum are PyTorch's BatchNorm outputs; logits are the plain run's",
  async (simd, convolution) => {
    const network = calibrated();
    const engine = await engineFor(network, { simd, convolution });
    const last = network.stages.length - 1;
    const plain = (await engine.run(0, last, input)).slice();
    const seen: string[] = [];
    let worst = 0;
    const logits = observe(await engine.inside(), input, ({ name }, values, residual, { height, width, channels }) => {
      const { mean, square } = expected.outputs[name.replace("conv", "bn")]!;
      seen.push(name);
      for (let channel = 0; channel < channels; channel++) {
        let [sum, squares] = [0, 0];
        for (let pixel = 0; pixel < height * width; pixel++) {
          const at = pixel * ((channels + 3) & ~3) + channel;
          const value = values[at]! - (residual?.[at] ?? 0);
          sum += value / (height * width);
          squares += value ** 2 / (height * width);
        }
        worst = Math.max(worst, Math.abs(sum - mean[channel]!), Math.abs(squares - square[channel]!));
      }
    });
    expect(seen).toHaveLength(Object.keys(expected.outputs).length);
    expect(worst).toBeLessThan(1e-4);
    const largest = Math.max(...plain.map(Math.abs));
    for (const [index, logit] of plain.entries()) {
      expect(logits[index]).toBe(logit);
      expect(Math.abs(logits[index]! - expected.logits[index]!) / largest).toBeLessThan(1e-4);
    }
    // What was looked at leaves nothing behind.
    expect(await engine.run(0, last, input)).toEqual(plain);
    await engine.close();
  },
);

test("operations whose names are equal, as an ONNX file's may be, are told apart", async () => {
  const network = calibrated();
  const stages = network.stages.map((stage) => ({ ...stage, ops: stage.ops.map((op) => ({ ...op, name: "node" })) }));
  const visits = async (it: typeof network) => {
    const engine = await engineFor(it);
    const seen: number[][] = [];
    observe(await engine.inside(), input, ({ output }, values) => seen.push([output, ...values.subarray(0, 20)]));
    await engine.close();
    return seen;
  };
  const found = await visits({ ...network, stages } as typeof network);
  expect(found).toHaveLength(Object.keys(expected.outputs).length);
  expect(found).toEqual(await visits(network));
});
