import { describe, expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { numbersOf, readTensor } from "../../src/model/onnx/constants.js";
import { readOther } from "../../src/model/onnx/index.js";
import * as more from "../../src/model/onnx/more/index.js";
import { Message } from "../../src/model/onnx/protobuf.js";
import { runReference } from "../model/reference.js";
import { chain, Float, type ModelText, message, model, type NodeText, tensor } from "./write.js";

async function build(text: ModelText, options: object = {}): Promise<Network> {
  return (await readOther(model(text), "the model", {})).build!(options) as Network;
}

const opsOf = ({ stages }: Network) => stages.flatMap(({ ops }) => ops);
const kindsOf = (network: Network) => opsOf(network).map((op) => (op.kind === "activation" ? op.function : op.kind));

describe("protocol buffers", () => {
  test.each([
    [0, 0],
    [1, 1],
    [300, 300],
    [-1, -1],
    [-9007199254740991n, -9007199254740991],
    [9223372036854775807n, 2 ** 63],
    [-9223372036854775808n, -(2 ** 63)],
  ])("the integer %s is read as %s", (written, read) => {
    expect(new Message(message([1, written])).integer(1)).toBe(read);
  });

  test("packed and unpacked lists read alike", () => {
    const packed = message([1, Uint8Array.of(3, 0x96, 1, 5)]);
    expect(new Message(packed).integers(1)).toEqual([3, 150, 5]);
    expect(new Message(message([1, 3], [1, 150], [1, 5])).integers(1)).toEqual([3, 150, 5]);
  });

  test.each([
    ["a field that ends early", [0x0a, 5, 1, 2]],
    ["a length beyond any file", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ["a negative length", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["a number that ends early", [0x08, 0x80]],
    ["a number without an end", [0x08, ...Array(11).fill(0x80), 1]],
    ["a group", [0x0b, 0x0c]],
    ["field 0", [0x02, 0]],
    ["wire type 7", [0x0f]],
    ["eight bytes that are four", [0x09, 1, 2, 3, 4]],
  ])("%s is a ModelFormatError", (_, bytes) => {
    expect(() => new Message(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ name: "ModelFormatError" }));
  });

  test("more fields than are allowed are refused", () => {
    expect(
      () =>
        new Message(
          new Uint8Array(40).fill(8).map((_, at) => (at % 2 ? 1 : 8)),
          { left: 10 },
        ),
    ).toThrow(/too many fields/);
  });
});

describe("tensors", () => {
  const read = (bytes: Uint8Array) => [
    ...numbersOf(readTensor(new Message(bytes), { external: new Map(), more }), { left: 1e6 }),
  ];

  test.each([
    ["f32", 1, Float32Array.of(1.5, -2)],
    ["f64", 11, Float64Array.of(1.5, -2)],
    ["u8", 2, Uint8Array.of(200, 3)],
    ["i8", 3, Int8Array.of(-100, 3)],
    ["u16", 4, Uint16Array.of(60000, 3)],
    ["i16", 5, Int16Array.of(-30000, 3)],
    ["i32", 6, Int32Array.of(-2000000000, 3)],
    ["i64", 7, BigInt64Array.of(-(2n ** 53n), 3n)],
    ["u32", 12, Uint32Array.of(4000000000, 3)],
    ["u64", 13, BigUint64Array.of(2n ** 53n, 3n)],
    ["bool", 9, Uint8Array.of(1, 0)],
  ])("%s as bytes", (_, type, values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    expect(read(tensor("t", [2], bytes, type))).toEqual(Array.from(values as ArrayLike<number | bigint>, Number));
  });

  test.each([
    ["f16", 10, [0x3c00, 0xc000], [1, -2]],
    ["bf16", 16, [0x3f80, 0xc000], [1, -2]],
    ["i8", 3, [-100, 3], [-100, 3]],
    ["i32", 6, [-2000000000, 3], [-2000000000, 3]],
    ["bool", 9, [1, 0], [1, 0]],
  ])("%s as integers", (_, type, written, values) => {
    expect(read(message([1, 2], [2, type], ...written.map((it) => [5, it] as const)))).toEqual(values);
  });

  test.each([
    ["too few bytes", tensor("t", [3], new Uint8Array(8)), "ModelFormatError"],
    ["a negative extent", message([1, -1], [2, 1], [9, new Uint8Array(4)]), "ModelFormatError"],
    [
      "more elements than numbers count",
      message([1, 2 ** 40], [1, 2 ** 40], [2, 1], [9, new Uint8Array(4)]),
      "ModelFormatError",
    ],
    ["seventeen axes", message(...Array(17).fill([1, 1]), [2, 1], [9, new Uint8Array(4)]), "ModelFormatError"],
    ["text", message([1, 1], [2, 8]), "UnsupportedModelError"],
    ["a complex number", message([1, 1], [2, 14], [9, new Uint8Array(8)]), "UnsupportedModelError"],
  ])("%s is refused", (_, bytes, name) => {
    expect(() => readTensor(new Message(bytes), { external: new Map(), more })).toThrow(
      expect.objectContaining({ name }),
    );
  });
});

const scalar = (name: string, value: number) => tensor(name, [], [value]);
const x = [-3, -0.7, 0.2, 5];

/** What exporters write for an activation: its nodes, and the function by its definition. */
const written: readonly (readonly [kind: string, nodes: NodeText[], f: (x: number) => number])[] = [
  ["silu", [node("Sigmoid", ["x"], "s"), node("Mul", ["x", "s"])], (x) => x / (1 + Math.exp(-x))],
  [
    "mish",
    [node("Softplus", ["x"], "s"), node("Tanh", ["s"], "t"), node("Mul", ["x", "t"])],
    (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  ],
  [
    "hard-swish",
    [
      node("Add", ["x", "3"], "a"),
      node("Clip", ["a", "0", "6"], "b"),
      node("Mul", ["x", "b"], "c"),
      node("Div", ["c", "6"]),
    ],
    (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  ],
  [
    "hard-swish",
    [node("HardSigmoid", ["x"], "s", { alpha: new Float(1 / 6), beta: new Float(0.5) }), node("Mul", ["s", "x"])],
    (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  ],
  ["relu6", [node("Clip", ["x", "0", "6"])], (x) => Math.min(6, Math.max(0, x))],
  ["relu", [node("Clip", ["x", "0"])], (x) => Math.max(0, x)],
  [
    "gelu-tanh",
    [
      ...[node("Pow", ["x", "3"], "a"), node("Mul", ["a", "0.044715"], "b"), node("Add", ["x", "b"], "c")],
      ...[node("Mul", ["c", "0.7978846"], "d"), node("Tanh", ["d"], "e"), node("Add", ["e", "1"], "f")],
      ...[node("Mul", ["x", "f"], "g"), node("Mul", ["0.5", "g"])],
    ],
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
];

function node(
  kind: string,
  inputs: readonly string[],
  output = "y",
  attributes: NodeText["attributes"] = {},
): NodeText {
  return { kind, inputs, outputs: [output], attributes };
}

test.each(written)("%s, as exporters write it, is one operation", async (kind, nodes, f) => {
  const names = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => /^[\d.]+$/.test(name)));
  const network = await build({ nodes, tensors: [...names].map((name) => scalar(name, Number(name))) });
  expect(kindsOf(network)).toEqual([kind]);
  for (const [at, value] of runReference(network, x).entries()) expect(value).toBeCloseTo(f(x[at]!), 5);
});

test("a function that is nearly a known one is computed as it is written", async () => {
  const nodes = [node("Mul", ["x", "a"], "b"), node("Sigmoid", ["b"], "s"), node("Mul", ["x", "s"])];
  const network = await build({ nodes, tensors: [scalar("a", 1.702)] });
  expect(kindsOf(network)).not.toContain("silu");
  for (const [at, value] of runReference(network, x).entries())
    expect(value).toBeCloseTo(x[at]! / (1 + Math.exp(-1.702 * x[at]!)), 5);
});

describe("constants", () => {
  test("what exporters compute of a shape is folded, and a reshape costs nothing", async () => {
    const nodes = [
      node("Shape", ["x"], "shape"),
      node("Gather", ["shape", "zero"], "n"),
      node("Unsqueeze", ["n", "axes"], "n1"),
      node("Concat", ["n1", "rest"], "to", { axis: 0 }),
      node("Reshape", ["x", "to"], "flat"),
      node("Relu", ["flat"]),
    ];
    const i64 = (name: string, shape: number[], values: number[]) => tensor(name, shape, values, 7);
    const tensors = [i64("zero", [], [0]), i64("axes", [1], [0]), i64("rest", [1], [-1])];
    const network = await build({ nodes, tensors, input: ["batch", 2, 1, 1] });
    expect(kindsOf(network)).toEqual(["relu"]);
  });

  test("constants that grow without end are refused", async () => {
    const shape = tensor("shape", [2], [100000, 100000], 7);
    const nodes = [node("ConstantOfShape", ["shape"], "a"), node("Neg", ["a"], "b"), node("Add", ["x", "b"])];
    await expect(build({ nodes, tensors: [shape] })).rejects.toThrow(
      expect.objectContaining({ name: "ModelFormatError" }),
    );
  });
});

describe("what is refused", () => {
  test.each([
    [
      "an operator that nobody has",
      { nodes: [{ ...node("Resize", ["x"]), name: "up" }] },
      /Node 0 "up" \(Resize\): the operator is not supported/,
    ],
    ["control flow", { nodes: chain(["Relu"], ["Loop"]) }, /Node 1 \(Loop\): control flow/],
    ["a node of another domain", { nodes: chain(["Relu"], ["Foo"]) }, /\(Foo\)/],
    ["two inputs", { nodes: [node("Add", ["x", "z"])], inputs: [["z", [1, 4]] as const] }, /2 inputs: "x", "z"/],
    [
      "two outputs",
      { nodes: [node("Relu", ["x"]), node("Tanh", ["x"], "z")], outputs: ["y", "z"] },
      /2 outputs: "y", "z".*node 1 \(Tanh\)/,
    ],
    ["an output that nothing makes", { nodes: [node("Relu", ["x"], "a")] }, /output "y", which no node makes/],
    ["an input that nothing makes", { nodes: [node("Add", ["x", "a"])] }, /reads "a", which no node before it makes/],
    [
      "a circle",
      { nodes: [node("Add", ["x", "b"], "a"), node("Relu", ["a"], "b"), node("Relu", ["b"])] },
      /reads "b", which no node before it makes/,
    ],
    ["a value made twice", { nodes: [node("Relu", ["x"]), node("Tanh", ["x"])] }, /makes "y" a second time/],
    ["an operator set of tomorrow", { nodes: chain(["Relu"]), version: 99 }, /operator set 99/],
    ["an open side of a vector", { nodes: chain(["Relu"]), input: [1, "n"] }, /leaves axis 1 open/],
    [
      "a mix of a batch's images",
      { nodes: chain(["ReduceMean", [], { axes: [0] }]), input: [2, 3, 8, 8] },
      /mixes the images of a batch of 2/,
    ],
  ])("%s", async (_, text, message) => {
    await expect(build(text as ModelText)).rejects.toThrow(message);
  });

  test("what the output does not need is not looked at", async () => {
    expect(kindsOf(await build({ nodes: [node("Relu", ["x"]), node("Loop", ["x"], "z")] }))).toEqual(["relu"]);
  });
});

test("open sides are 224 pixels, or what inputSize states", async () => {
  const text = { nodes: chain(["Relu"]), input: ["N", 3, "H", "W"] };
  const extents = async (options: object) => {
    const { values, input } = await build(text, options);
    return [values[input]!.height, values[input]!.width];
  };
  expect(await extents({})).toEqual([224, 224]);
  expect(await extents({ inputSize: [32, 48] })).toEqual([32, 48]);
  const { notes } = await readOther(model(text), "the model", {});
  expect(notes?.join()).toMatch(/leaves the input's shape open/);
  await expect(build({ ...text, input: [1, 3, 64, 64] }, { inputSize: 32 })).rejects.toThrow(
    /fixed at \[1, 3, 64, 64\]/,
  );
});

test("each network that is built of a file is its own, as its options say", async () => {
  const weights = Array.from({ length: 4 * 3 * 9 }, (_, at) => Math.sin(at));
  const tensors = [tensor("w", [4, 3, 3, 3], weights), tensor("b", [4], [1, 2, 3, 4])];
  const text = { nodes: chain(["Conv", ["w", "b"]], ["Relu"]), tensors, input: ["N", 3, "H", "W"], output: ["N", 4] };
  const { build: networkOf } = await readOther(model(text), "the model", {}, 32);
  const networks = [32, 32, [16, 24], 32].map((inputSize) => networkOf!({ inputSize }) as Network);
  const sides = networks.map(({ values, input }) => [values[input]!.height, values[input]!.width]);
  const [square, wide] = [
    [32, 32],
    [16, 24],
  ];
  expect(sides).toEqual([square, square, wide, square]);
  expect(new Set(networks).size).toBe(4);
});

test("further inputs have the values that a caller gives", async () => {
  const text = { nodes: [node("Mul", ["x", "z"])], inputs: [["z", [1, 4]] as const] };
  const network = await build(text, { inputs: { z: [1, 2, 3, 4] } });
  expect([...runReference(network, [1, 1, 1, 1])]).toEqual([1, 2, 3, 4]);
  await expect(build(text, { inputs: { z: [1] } })).rejects.toThrow(/1 values/);
  await expect(build(text, { inputs: { q: [1] } })).rejects.toThrow(/no input of/);
});

describe("labels", () => {
  test.each([
    ["JSON", { labels: '["a", "b", "c", "d"]' }],
    ["a Python dict", { names: "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}" }],
    ["a JSON object", { id2label: '{"1": "b", "0": "a", "2": "c", "3": "d"}' }],
    ["lines", { classes: "a\nb\nc\nd\n" }],
  ])("%s", async (_, metadata) => {
    const state = await readOther(model({ nodes: chain(["Relu"]), metadata }), "the model", {});
    expect(JSON.parse(state.metadata.get("resnet-edge")!).labels).toEqual(["a", "b", "c", "d"]);
  });

  test("of another number than there are classes are passed over", async () => {
    const state = await readOther(model({ nodes: chain(["Relu"]), metadata: { labels: '["a"]' } }), "the model", {});
    expect(state.metadata.get("resnet-edge")).toBeUndefined();
  });

  test("probabilities are scores as they are", async () => {
    expect((await build({ nodes: chain(["Relu"], ["Softmax"]) })).architecture.scores).toBe("none");
    expect((await build({ nodes: chain(["Softmax"], ["Relu"]) })).architecture.scores).toBeUndefined();
  });
});

describe("tensors in files of their own", () => {
  const lies = (location: string, extra: readonly (readonly [string, string])[] = []) => {
    const entries = [["location", location] as const, ...extra].map(
      ([key, value]) => [13, message([1, key], [2, value])] as const,
    );
    return message([1, 4], [2, 1], [8, "w"], [14, 1], ...entries);
  };
  const read = (location: string, extra?: readonly (readonly [string, string])[]) =>
    readOther(model({ nodes: [node("Add", ["x", "w"])], tensors: [lies(location, extra)] }), "m.onnx", {
      readBeside: async () => new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer),
    });

  test("are read from where they lie", async () => {
    const state = await read("weights.bin", [
      ["offset", "4"],
      ["length", "16"],
    ]);
    expect([...runReference(state.build!({}) as Network, [0, 0, 0, 0])]).toEqual([1, 2, 3, 4]);
  });

  test.each([
    "../w.bin",
    "/etc/passwd",
    "a/../../w",
    "C:\\w",
    "a\\b",
    "https://example.org/w",
    "",
    ".",
    "a//b",
    "%2e%2e/w",
  ])("%s is not in the model's folder", async (location) => {
    await expect(read(location)).rejects.toThrow(expect.objectContaining({ name: "ModelFormatError" }));
  });

  test.each([
    [[["offset", "8"]] as const],
    [[["offset", "-4"]] as const],
    [
      [
        ["offset", "4"],
        ["length", "400"],
      ] as const,
    ],
    [[["offset", "x"]] as const],
  ])("%j is not in the file", async (extra) => {
    await expect(read("weights.bin", extra)).rejects.toThrow(expect.objectContaining({ name: "ModelFormatError" }));
  });

  test("where the host reads no second file, the error says what to do", async () => {
    const bytes = model({ nodes: [node("Add", ["x", "w"])], tensors: [lies("weights.bin")] });
    await expect(readOther(bytes, "the given blob", {})).rejects.toThrow(
      /Load the model by its URL or path, or export it into one file/,
    );
  });
});
