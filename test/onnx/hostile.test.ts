import { describe, expect, test } from "vitest";
import { lowerExtended } from "../../src/cpu/extended/open.js";
import { planMemory } from "../../src/cpu/reserve.js";
import { ResnetEdgeError } from "../../src/errors.js";
import type { Network } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { readOther } from "../../src/model/onnx/index.js";
import { generator } from "../random.js";
import { convertedCases, found, nodeCases } from "./suite.js";
import { chain, message, model, tensor } from "./write.js";

/** How long a small file may take, and what it may make of itself. */
const MOST_MS = 2000;

/** Reads and builds; throws what is no typed error. Answers with the error's name, or "built". */
async function outcome(bytes: Uint8Array, options: object = {}): Promise<string> {
  const start = performance.now();
  try {
    const state = await readOther(bytes, "the file", {});
    const network = state.build!(options) as Network;
    expect(network.values.every((shape) => elementCount(Object.values(shape)) <= 2 ** 28)).toBe(true);
    // What it would take of memory is told, and weights are not read for that.
    planMemory(network, { memory: "fast", lower: lowerExtended });
    return "built";
  } catch (error) {
    if (!(error instanceof ResnetEdgeError)) throw error;
    return error.name;
  } finally {
    expect(performance.now() - start).toBeLessThan(MOST_MS);
  }
}

const small = model({
  input: ["N", 3, 16, 16],
  nodes: [
    ...chain(
      ["Conv", ["w", "b"], { pads: [1, 1, 1, 1], strides: [2, 2] }],
      ["Relu"],
      ["GlobalAveragePool"],
      ["Flatten"],
    ).slice(0, 4),
  ],
  tensors: [tensor("w", [4, 3, 3, 3], Array(108).fill(0.1)), tensor("b", [4], [1, 2, 3, 4])],
});

const sound: readonly Uint8Array[] = [
  small,
  model({ nodes: chain(["Sigmoid"], ["Softmax"]), metadata: { labels: '["a", "b", "c", "d"]' } }),
  ...(found ? [...nodeCases(), ...convertedCases()].filter((_, index) => index % 6 === 0).map((it) => it.model) : []),
];

/** Changes a few bytes, cuts, repeats or exchanges a part: what damage and ill will do. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const at = (most: number) => Math.floor(random() * most);
  const copy = Uint8Array.from(bytes);
  switch (at(5)) {
    case 0:
      return copy.subarray(0, at(copy.length));
    case 1: {
      const [begin, length] = [at(copy.length), 1 + at(40)];
      return Uint8Array.from([...copy.subarray(0, begin + length), ...copy.subarray(begin)]);
    }
    case 2: {
      // A number of many bytes where a small one was.
      const begin = at(copy.length);
      return Uint8Array.from([
        ...copy.subarray(0, begin),
        ...Array(1 + at(9)).fill(0xff),
        0x7f,
        ...copy.subarray(begin + 1),
      ]);
    }
    case 3:
      copy.copyWithin(at(copy.length), at(copy.length), at(copy.length));
      return copy;
    default:
      for (let count = 1 + at(4); count > 0; count--) copy[at(copy.length)] = at(256);
      return copy;
  }
}

test("the files that are damaged were sound", async () => {
  for (const bytes of sound.slice(0, 2)) expect(await outcome(bytes)).toBe("built");
});

test("600 damaged files end in a network or a typed error", async () => {
  const random = generator(19);
  const counts = new Map<string, number>();
  for (let index = 0; index < 600; index++) {
    const bytes = mutated(sound[index % sound.length]!, random);
    const found = await outcome(bytes).catch((error) => {
      throw new Error(`mutation ${index} (${Buffer.from(bytes).toString("base64").slice(0, 4000)})`, { cause: error });
    });
    counts.set(found, (counts.get(found) ?? 0) + 1);
  }
  console.log([...counts].map(([name, count]) => `${count} ${name}`).join(", "));
  expect(counts.get("ModelFormatError")).toBeGreaterThan(50);
}, 120_000);

test("what is computed of constants is bounded by the bytes beside the file, however many tensors lie in them", async () => {
  const count = 1 << 20;
  const beside = (name: string) =>
    message([1, count], [2, 1], [8, name], [13, message([1, "location"], [2, "weights.bin"])], [14, 1]);
  const steps = chain(...Array.from({ length: 50 }, (): [string] => ["Neg"]), ["ReduceMean", [], { keepdims: 0 }]);
  const nodes = steps.map(({ inputs, outputs, ...rest }) => ({
    ...rest,
    inputs: inputs.map((name) => (name === "x" ? "w0" : name)),
    outputs: outputs.map((name) => (name === "y" ? "mean" : name)),
  }));
  const bytes = model({
    nodes: [...nodes, { kind: "Add", inputs: ["x", "mean"], outputs: ["y"] }],
    tensors: Array.from({ length: 40 }, (_, index) => beside(`w${index}`)),
  });
  const host = { readBeside: async () => new Uint8Array(4 * count) };
  const state = await readOther(bytes, "the file", host as never);
  expect(() => state.build!({})).toThrow(/computes more constants than 33554432 and two for each byte of its tensors/);
});

describe("bombs", () => {
  const nested = (depth: number) => {
    let inner = message([1, "x"]);
    for (let level = 0; level < depth; level++)
      inner = message([5, message([1, "g"], [6, message([1, inner])])], [4, "If"]);
    return message(
      [1, 8],
      [7, message([1, inner], [11, message([1, "x"])], [12, message([1, "y"])])],
      [8, message([2, 17])],
    );
  };
  const shaped = (extents: number[]) => tensor("s", [extents.length], extents, 7);
  const deep = Array.from({ length: 3000 }, (): [string] => ["Relu"]);

  test.each([
    ["graphs within graphs", nested(10_000)],
    [
      "a tensor of 2^62 elements",
      model({
        nodes: chain(["Add", ["w"]]),
        tensors: [message([1, 2 ** 31], [1, 2 ** 31], [2, 1], [8, "w"], [9, new Uint8Array(4)])],
      }),
    ],
    [
      "a constant of 10^12 elements",
      model({
        nodes: [{ kind: "ConstantOfShape", inputs: ["s"], outputs: ["w"] }, ...chain(["Add", ["w"]])],
        tensors: [shaped([1e6, 1e6])],
      }),
    ],
    [
      "weights of 10^12 elements",
      model({
        input: [1, 3, 8, 8],
        nodes: [{ kind: "ConstantOfShape", inputs: ["s"], outputs: ["w"] }, ...chain(["Conv", ["w"]])],
        tensors: [shaped([1e9, 3, 3, 3])],
      }),
    ],
    ["a value of 10^12 elements", model({ nodes: chain(["Expand", ["s"]]), tensors: [shaped([1e6, 1e6, 1, 4])] })],
    [
      "padding without end",
      model({ input: [1, 1, 4, 4], nodes: chain(["Pad", ["s"]]), tensors: [shaped([0, 0, 1e9, 1e9, 0, 0, 1e9, 1e9])] }),
    ],
    [
      "a range without end",
      model({
        nodes: [{ kind: "Range", inputs: ["a", "b", "c"], outputs: ["w"] }, ...chain(["Add", ["w"]])],
        tensors: [tensor("a", [], [0]), tensor("b", [], [1]), tensor("c", [], [0])],
      }),
    ],
    [
      "a window of 10^9",
      model({
        input: [1, 1, 4, 4],
        nodes: chain(["MaxPool", [], { kernel_shape: [1e9, 1e9], pads: [1e9, 1e9, 1e9, 1e9] }]),
      }),
    ],
    ["a picture of 10^18 pixels", model({ input: [1, 3, 1e9, 1e9], nodes: chain(["Relu"]) })],
    [
      "a split into a thousand parts of nothing",
      model({
        nodes: [
          { kind: "Split", inputs: ["x"], outputs: Array.from({ length: 1000 }, (_, at) => (at ? `p${at}` : "y")) },
        ],
      }),
    ],
    ["a million axes", model({ nodes: chain(["Relu"]), input: Array(1000).fill(1) })],
    ["names of control characters", model({ nodes: chain(["\u001b[31m"]) })],
  ])("%s", async (_, bytes) => {
    expect(await outcome(bytes)).toMatch(/^(ModelFormat|UnsupportedModel|Wasm)Error$/);
  });

  test("a chain of 3,000 nodes is no recursion", async () => {
    expect(await outcome(model({ nodes: chain(...deep) }))).toBe("built");
  });

  test("a sum that doubles is no tree", async () => {
    const nodes = Array.from({ length: 200 }, (_, at) => ({
      kind: "Add",
      inputs: [at ? `t${at}` : "x", at ? `t${at}` : "x"],
      outputs: [at === 199 ? "y" : `t${at + 1}`],
    }));
    expect(await outcome(model({ nodes }))).toBe("built");
  });
});
