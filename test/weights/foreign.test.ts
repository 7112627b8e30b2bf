import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { ModelFormatError, UnsupportedModelError } from "../../src/errors.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { buildNetwork } from "../../src/model/index.js";
import { readWeights as read } from "../../src/weights/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { toFloat32 } from "../../src/weights/values.js";
import { encode, type Written } from "../../src/weights/write.js";
import { engineFor } from "../cpu/engine.js";
import { Delivery } from "./pieces.js";
import { openWeights, readWeights } from "./read.js";

const file = (name: string) => readFileSync(new URL(`../fixtures/weights/int8-tools/${name}`, import.meta.url));
let expected: ReadonlyMap<string, Tensor>;
beforeAll(() => {
  expected = readSafetensors(file("expected.safetensors"), "expected").tensors;
});

const files = [
  ["bitsandbytes.safetensors", "bitsandbytes (LLM.int8)"],
  ["bitsandbytes.pth", "bitsandbytes (LLM.int8)"],
  ["quanto.safetensors", "optimum-quanto (qint8)"],
  ["quanto-f16.safetensors", "optimum-quanto (qint8)"],
  ["compressed-tensors.safetensors", "int8 with weight_scale"],
  ["compressed-tensors-groups.safetensors", "int8 with weight_scale"],
  ["torchao.safetensors", "torchao (Int8Tensor)"],
  ["torchao-int8.pth", "torchao (Int8Tensor)"],
  ["torchao-affine.pth", "torchao (AffineQuantizedTensor)"],
] as const;

test.each(files)("%s is read as its tool dequantises it, and says what it is of", async (name, tool) => {
  const state = await readWeights(file(name), name);
  const own = [...expected].filter(([key]) => key.startsWith(`${name}/`) && !key.endsWith("/logits"));
  expect(own.length).toBeGreaterThan(0);
  for (const [key, wanted] of own) {
    const found = state.tensors.get(key.slice(name.length + 1))!;
    expect(found.dtype).toBe("f32");
    expect(found.shape).toEqual(wanted.shape);
    expect(toFloat32(found), key).toEqual(toFloat32(wanted));
  }
  expect(state.notes!.join()).toContain(`The file is of ${tool}`);
  expect(state.notes!.join()).toMatch(/computed in float/);
  const network = buildNetwork(state, { inputSize: 32 });
  const engine = await engineFor(network);
  const logits = toFloat32(expected.get(`${name}/logits`)!);
  const found = await engine.run(0, network.stages.length - 1, toFloat32(expected.get("input")!));
  const largest = Math.max(...logits.map(Math.abs));
  expect(found).toHaveLength(logits.length);
  for (const [at, logit] of logits.entries()) expect(Math.abs(found[at]! - logit) / largest).toBeLessThan(1e-5);
  await engine.close();
});

test("a file on its way is read as one in memory", async () => {
  const bytes = file("quanto.safetensors");
  const body = new Delivery(bytes, 1000);
  const state = await openWeights(body.body());
  const whole = await readWeights(bytes, "x");
  expect([...state.tensors.keys()]).toEqual([...whole.tensors.keys()]);
  for (const [name, tensor] of whole.tensors) expect(toFloat32(state.tensors.get(name)!)).toEqual(toFloat32(tensor));
});

/** A file of one layer: beside its bias, what `tensors` says. */
function made(
  tensors: Record<string, [dtype: string, shape: number[], values: readonly number[]]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const arrays = { I8: Int8Array, U8: Uint8Array, I32: Int32Array, F32: Float32Array } as const;
  const written = Object.entries(tensors).map(([name, [dtype, shape, values]]) => {
    const bytes = new Uint8Array(arrays[dtype as "I8"].from(values).buffer);
    return { name, dtype, shape, bytes } as Written;
  });
  return encode(written, metadata);
}

const eight = [1, -2, 3, -4, 5, -6, 7, -128];

test.each([
  ["one for all", [], [0.5], [0.5, -1, 1.5, -2, 2.5, -3, 3.5, -64]],
  ["each row's", [2], [0.5, 2], [0.5, -1, 1.5, -2, 10, -12, 14, -256]],
  ["each column's", [1, 4], [1, 2, 3, 0], [1, -4, 9, -0, 5, -12, 21, -0]],
  ["blocks'", [2, 2], [1, 2, 3, 4], [1, -2, 6, -8, 15, -18, 28, -512]],
])("scales: %s", async (_, shape, scales, wanted) => {
  const bytes = made({ "fc.weight": ["I8", [2, 4], eight], "fc.weight_scale": ["F32", shape, scales] });
  const { tensors } = await readWeights(bytes, "x");
  expect([...tensors.keys()]).toEqual(["fc.weight"]);
  expect([...toFloat32(tensors.get("fc.weight")!)]).toEqual(wanted);
});

const fc: [string, number[], number[]] = ["I8", [2, 4], eight];
const scale: [string, number[], number[]] = ["F32", [2, 1], [1, 2]];
const byte: [string, number[], number[]] = ["U8", [], [1]];

test.each<[string, Parameters<typeof made>[0], Record<string, string>?]>([
  ['"fc.weight" is i8, and the file has no scale for it', { "fc.weight": fc }],
  ['"fc.weight" is i8, and the file has no scale for it', { "fc.weight": fc, "fc.weight_zero_point": fc }],
  ['"fc.weight._data" is of optimum-quanto (qint8), and the file has no scale', { "fc.weight._data": fc }],
  [
    '"fc.weight._data" is u8 of optimum-quanto (qint8), of which int8 alone is read',
    { "fc.weight._data": ["U8", [2], [1, 2]], "fc.weight._scale": scale },
  ],
  [
    '"fc.weight._data._data" is of optimum-quanto\'s qint4 or qint2, which is not read',
    { "fc.weight._data._data": ["U8", [2], [1, 2]], "fc.weight._scale": scale, "fc.weight._shift": scale },
  ],
  [
    '"fc.weight.absmax" is of bitsandbytes\' 4 bits (fp4 or nf4)',
    { "fc.weight": ["U8", [2, 1], [1, 2]], "fc.weight.absmax": scale },
  ],
  [
    '"fc.weight_format" is one of bitsandbytes\' layouts',
    { "fc.weight": fc, "fc.SCB": scale, "fc.weight_format": byte },
  ],
  ['"fc.weight" is u8 of bitsandbytes', { "fc.weight": ["U8", [2, 1], [1, 2]], "fc.SCB": scale }],
  [
    '"fc.weight_packed" is of compressed-tensors\' packed',
    { "fc.weight_packed": ["I32", [1], [1]], "fc.weight_scale": scale },
  ],
  ["\"fc.qweight\" is of GPTQ's or AWQ's", { "fc.qweight": ["I32", [1], [1]] }],
  ['"fc.W_q" is of HQQ\'s', { "fc.W_q": ["U8", [1], [1]] }],
  ['"fc.weight_scales" is of EETQ\'s int8', { "fc.weight": fc, "fc.weight_scales": scale }],
  [
    '"fc.weight_scale" is of shape [3]: no scales for "fc.weight" of [2,4]',
    { "fc.weight": fc, "fc.weight_scale": ["F32", [3], [1, 2, 3]] },
  ],
  ['"fc.weight" is there twice', { "fc.weight": ["F32", [1], [1]], "fc.weight._data": fc, "fc.weight._scale": scale }],
  [
    '"fc._weight_scale" is of shape [2,2]: no scales for "fc._weight_qdata" of [2,6]',
    {
      "fc._weight_qdata": ["I8", [2, 6], [...eight, 1, 2, 3, 4]],
      "fc._weight_scale": ["F32", [2, 2], [1, 2, 3, 4]],
    },
    { "fc.weight": '{"_type": "Int8Tensor", "_data": {"block_size": [1, 4]}}' },
  ],
  [
    '"fc.weight" is of torchao (AffineQuantizedTensor), with zero points in a domain that is not stated',
    { "fc._weight_qdata": fc, "fc._weight_scale": scale, "fc._weight_zero_point": ["F32", [2, 1], [1, 2]] },
    {
      "fc.weight": '{"_type": "AffineQuantizedTensor", "_data": {"block_size": [1, 4], "zero_point_domain": "FLOAT"}}',
    },
  ],
  [
    '"fc.weight_scale" is of shape [1,3]: no scales',
    { "fc.weight": fc, "fc.weight_scale": ["F32", [1, 3], [1, 2, 3]] },
  ],
  ['"fc.weight_scale" is i32, and no scale', { "fc.weight": fc, "fc.weight_scale": ["I32", [2, 1], [1, 2]] }],
  [
    '"fc.weight_zero_point" is u8: a zero point without a sign',
    { "fc.weight": fc, "fc.weight_scale": scale, "fc.weight_zero_point": ["U8", [2, 1], [1, 2]] },
  ],
  [
    '"fc.weight_zero_point" is of shape [2,4], beside scales of [2,1]',
    { "fc.weight": fc, "fc.weight_scale": scale, "fc.weight_zero_point": fc },
  ],
  [
    '"fc.weight" is torchao\'s tensor of a class that is not stated',
    { "fc._weight_qdata": fc, "fc._weight_scale": scale },
  ],
  [
    '"fc.weight" is torchao\'s Int4Tensor, which is not read',
    { "fc._weight_qdata": fc, "fc._weight_scale": scale },
    { "fc.weight": '{"_type": "Int4Tensor", "_data": {"block_size": [1, 4]}}' },
  ],
  [
    '"fc.weight" is of torchao, with a scale for what the layer reads',
    { "fc._weight_qdata": fc, "fc._weight_scale": scale, "fc._weight_act_pre_scale": ["F32", [4], [1, 2, 3, 4]] },
    { "fc.weight": '{"_type": "Int8Tensor", "_data": {"block_size": [1, 4]}}' },
  ],
])("refused: %s", async (message, tensors, metadata) => {
  const read = readWeights(made(tensors, metadata), "x");
  await expect(read).rejects.toThrow(UnsupportedModelError);
  await expect(read).rejects.toThrow(message);
  await expect(read).rejects.toThrow(/save its weights dequantised/);
});

test.each([
  ["fc.weight_scale", Number.NaN],
  ["fc.weight_scale", -1],
  ["fc.weight_scale", Number.POSITIVE_INFINITY],
  ["fc.weight_zero_point", 0.5],
])("%s of %d is damage", async (name, value) => {
  const rest = { "fc.weight_scale": scale, "fc.weight_zero_point": ["F32", [2, 1], [1, 0]] as typeof scale };
  const bytes = made({ "fc.weight": fc, ...rest, [name]: ["F32", [2, 1], [1, value]] });
  const read = readWeights(bytes, "x");
  await expect(read).rejects.toThrow(ModelFormatError);
  await expect(read).rejects.toThrow(`"${name}"[1] is ${value}`);
});

test("a pickled tensor of torchao whose integers are packed is refused by its class", async () => {
  const read = readWeights(file("refused-int4.pth"), "x");
  await expect(read).rejects.toThrow(UnsupportedModelError);
  await expect(read).rejects.toThrow('"fc.weight" is torchao\'s Int4Tensor, which is not read');
});

test("integers beside a network's weights, which are no weights, are left as they are", async () => {
  const { tensors, notes } = await readWeights(made({ steps: ["I32", [1], [7]], "fc.bias": ["F32", [1], [1]] }), "x");
  expect(tensors.get("steps")!.dtype).toBe("i32");
  expect(notes).toBeUndefined();
});

test("a graph's integers are its own, whatever they are called: nothing is asked for that reads other tools' files", async () => {
  const bytes = made({ "fc.weight": fc, "fc.weight_scale": scale });
  const own = { ...readSafetensors(bytes, "x"), format: "onnx", build: () => ({}) };
  const loadForeign = () => Promise.reject(new Error("asked for"));
  const loadOnnx = async () => ({ readOther: async () => own });
  const host = { loadForeign, loadOnnx, loadTorch: loadOnnx } as never;
  expect(await read(Uint8Array.of(8, 7, 0, 0), "x", host)).toBe(own);
  await expect(read(bytes, "x", host)).rejects.toThrow("could not be loaded");
});
