import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeOnnx } from "../../src/convert/onnx.js";
import type { ActivationOp, Network } from "../../src/graph/network.js";
import { withScalesIn } from "../../src/graph/stored.js";
import { buildNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { readOther } from "../../src/model/onnx/index.js";
import { mapLayers } from "../../src/quantize/layers.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { engineFor } from "../cpu/engine.js";
import { integerWeight } from "../int8/integers.js";

// Networks that onnxruntime quantised, with its answers: scripts/fixtures/quantized-onnx.py.
const folder = new URL("../fixtures/quantized-onnx/", import.meta.url);
const names = readdirSync(folder).flatMap((file) => (file.endsWith(".onnx") ? [file.slice(0, -5)] : []));
const SIDE = 32;
const input = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, at) => Math.sin(at));

async function networkOf(bytes: Uint8Array, integers: boolean): Promise<Network> {
  return (await readOther(bytes, "the file", {})).build!({ integers }) as Network;
}

/** Its answer, and how many of its records each kernel has. */
async function run(network: Network, values: Float32Array, simd: "baseline" | "relaxed" = "baseline") {
  const engine = await engineFor(network, { simd });
  const { program } = await engine.inside();
  const kernels: Record<string, number> = {};
  for (const { kernel } of program.steps) kernels[kernel] = (kernels[kernel] ?? 0) + 1;
  const logits = [...(await engine.run(0, network.stages.length - 1, values))];
  await engine.close();
  return { logits, kernels };
}

function answerOf(name: string): number[] {
  const { buffer } = Uint8Array.from(readFileSync(new URL(`${name}.output`, folder)));
  return [...new Float32Array(buffer)];
}

/** What a step of the answer is worth: the last operation rounds to multiples of it. */
function stepOf(network: Network): number {
  const last = network.stages.at(-1)!.ops.at(-1)!;
  const { quantization } = network.values[network.output]!;
  return quantization?.scale ?? (last as ActivationOp).alpha!;
}

describe.each(names)("onnxruntime's %s", (name) => {
  const bytes = readFileSync(new URL(`${name}.onnx`, folder));

  test.each([true, false])("answers within a step of the output, in integers: %s", async (integers) => {
    const expected = answerOf(name);
    const network = await networkOf(bytes, integers);
    const { logits } = await run(network, input);
    expect(logits).toHaveLength(expected.length);
    const off = logits.map((value, at) => Math.abs(value - expected[at]!));
    expect(Math.max(...off)).toBeLessThan(1.01 * stepOf(network));
  });
});

test("its convolutions, sums and linear layers are on integers, but for the one on the picture", async () => {
  const { kernels } = await run(await networkOf(readFileSync(new URL("residual-u8.onnx", folder)), true), input);
  const { qs8_conv = 0, qs8_conv_strassen = 0, qs8_conv3x3_winograd4 = 0, qs8_add, qs8_max_pool } = kernels;
  expect(qs8_conv + qs8_conv_strassen + qs8_conv3x3_winograd4).toBe(6);
  expect([qs8_add, qs8_max_pool]).toEqual([2, 1]);
  const floats = Object.keys(kernels).filter((kernel) => kernel.startsWith("f32_"));
  expect(floats.filter((kernel) => !/^f32_(conv7x7s2|average_pool)/.test(kernel))).toEqual([]);
});

test("its depthwise convolutions have their own kernel", async () => {
  for (const name of ["inverted-u8", "inverted-operators"]) {
    const { kernels } = await run(await networkOf(readFileSync(new URL(`${name}.onnx`, folder)), true), input);
    expect(kernels.qs8_depthwise).toBe(3);
  }
});

test("weights whose zero is none of a device's run in float", async () => {
  const network = await networkOf(readFileSync(new URL("residual-u8-u8.onnx", folder)), true);
  expect(network.values.some(({ quantization }) => quantization)).toBe(false);
  expect(network.stages.every(({ ops }) => ops.every((op) => !("weight" in op && op.weight.int8)))).toBe(true);
});

describe("a file that this library wrote computes as the network that it was made of, to the bit", () => {
  const bundled = new URL("../../models/cifar110-resnet20x2.int8.safetensors", import.meta.url);
  const networks: Record<string, () => Network> = {
    "a residual network": () => buildNetwork(readSafetensors(readFileSync(bundled), "int8"), { integers: true }),
    "one with depthwise convolutions": () => {
      const float = pseudoRandomNetwork("mobilenet_v2", { inputSize: 64, classes: 10 });
      const whole = mapLayers(float, (layer) =>
        layer.inputs[0] === float.input ? layer : { ...layer, weight: integerWeight(layer.weight) },
      );
      // ReLU6 ends where the integers do.
      return withScalesIn(whole, ({ inputs }) => Math.fround(6 / (inputs[0] === float.input ? 255 : 127)));
    },
  };

  test.each(Object.keys(networks))("%s", async (name) => {
    const network = networks[name]!();
    const { height, width } = network.values[network.input]!;
    const values = Float32Array.from({ length: 3 * height * width }, (_, at) => Math.sin(at));
    const back = await networkOf(writeOnnx(network, {}), true);
    const quantized = ({ values }: Network) => values.flatMap(({ quantization }) => quantization ?? []);
    expect(quantized(back)).toEqual(quantized(network));
    const [expected, found] = [await run(network, values), await run(back, values)];
    expect(found).toEqual(expected);
    const { qs8_conv = 0, qs8_conv_strassen = 0 } = found.kernels;
    expect(qs8_conv + qs8_conv_strassen).toBeGreaterThan(3);
  });
});
