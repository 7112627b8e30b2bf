import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeOnnx } from "../../src/convert/onnx.js";
import { UnsupportedModelError } from "../../src/errors.js";
import type { ActivationOp, Network, Op, ValueShape, Vector, Weight } from "../../src/graph/network.js";
import { buildNetwork, modelCard, pseudoRandomNetwork } from "../../src/model/index.js";
import { readOther } from "../../src/model/onnx/index.js";
import { round } from "../../src/quantize/run.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { runOp, runReference } from "../model/reference.js";

// onnxruntime says what a file means: RESNET_EDGE_PYTHON names a Python that has it.
const python = process.env.RESNET_EDGE_PYTHON ?? "python3";
const script = fileURLToPath(new URL("../../scripts/fixtures/run-onnx.py", import.meta.url));
const missing = spawnSync(python, ["-c", "import onnx, onnxruntime"]).status !== 0;
if (missing) console.log(`onnxruntime is not asked: ${python} has none; RESNET_EDGE_PYTHON names a Python that has.`);

const vector = (values: readonly number[]): Vector => ({
  length: values.length,
  read: () => Float64Array.from(values),
});
const wave = (length: number, phase = 0) => Array.from({ length }, (_, i) => Math.sin(12.9898 * i + phase));
const weight = (...shape: number[]): Weight => {
  const row = shape.slice(1).reduce((a, b) => a * b, 1);
  const values = Float32Array.from(wave(shape[0]! * row, 1));
  return { shape, read: (begin, end, target) => target.set(values.subarray(begin * row, end * row)) };
};

type Loose = Op extends infer O ? (O extends Op ? Omit<O, "name" | "inputs" | "output"> : never) : never;

/** A network of one operation behind the image of 3 x 7 x 6, or of several in a row; `second`: it reads the image twice. */
function network(steps: readonly (readonly [op: Loose, to: ValueShape, reads?: readonly number[]])[]): Network {
  const values: ValueShape[] = [{ height: 7, width: 6, channels: 3 }, ...steps.map(([, to]) => to)];
  const ops = steps.map(
    ([op, , reads], index) =>
      ({ ...op, name: `op${index}`, inputs: reads ?? [index], output: index + 1 }) as unknown as Op,
  );
  return {
    ...{ values, input: 0, output: steps.length, architecture: { name: "one", classes: 0 }, parameters: 0 },
    stages: [{ name: "all", input: 0, output: steps.length, ops }],
    batchNorms: { folded: 0, kept: 0 },
  };
}

const same: ValueShape = { height: 7, width: 6, channels: 3 };
const one: ValueShape = { height: 1, width: 1, channels: 3 };
const of = (height: number, width: number, channels: number): ValueShape => ({ height, width, channels });
const functions: readonly Omit<ActivationOp, "kind" | "name" | "inputs" | "output">[] = [
  ...(
    [
      "relu6",
      "silu",
      "gelu",
      "gelu-tanh",
      "sigmoid",
      "hard-swish",
      "mish",
      "tanh",
      "softplus",
      "exp",
      "absolute",
      "erf",
      "reciprocal",
    ] as const
  ).map((name) => ({ function: name })),
  { function: "leaky-relu", slope: 0.2 },
  { function: "elu", alpha: 0.7 },
  { function: "selu", alpha: 1.6733, beta: 1.0507 },
  { function: "prelu", slopes: vector([0.1, 0.2, -0.3]) },
  { function: "clip", alpha: -0.5, beta: 0.6 },
  { function: "hard-sigmoid", alpha: 1 / 6, beta: 0.5 },
  { function: "quantize", alpha: 0.013, beta: 117 },
  { function: "quantize", alpha: 0.013, beta: -3, signed: true },
];
const convolution = {
  ...({ kind: "conv", kernel: [3, 3], stride: [2, 1], padding: [0, 1, 1, 2], dilation: [1, 2] } as const),
  ...{ groups: 1, weight: weight(4, 3, 3, 3), bias: vector([1, 2, 3, 4]), relu: true },
};
const pool = { kernel: [3, 2], stride: [2, 2], padding: [1, 0, 1, 0] } as const;
const normalized = { kind: "normalize", epsilon: 1e-3, scale: vector([1, 2, 3]), shift: vector([3, 2, 1]) } as const;

/** Every kind of operation. */
const kinds: Readonly<Record<string, Network>> = {
  conv: network([[convolution, of(3, 5, 4)]]),
  depthwise: network([
    [{ ...convolution, groups: 3, weight: weight(3, 1, 3, 3), bias: null, relu: false }, of(3, 5, 3)],
  ]),
  residual: network([
    [{ kind: "relu" }, same],
    [
      { ...convolution, kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], weight: weight(3, 3, 1, 1), bias: null },
      same,
      [0, 1],
    ],
  ]),
  batchNorm: network([[{ kind: "batchNorm", scale: vector([1, -2, 3]), shift: vector([1, 2, 3]), relu: true }, same]]),
  add: network([
    [{ kind: "relu" }, same],
    [{ kind: "add", relu: true }, same, [0, 1]],
  ]),
  gate: network([
    [{ kind: "globalAveragePool" }, one],
    [{ kind: "linear", weight: weight(3, 3), bias: vector([1, 2, 3]), relu: true }, one],
    [{ kind: "activation", function: "sigmoid" }, one],
    [{ kind: "binary", function: "multiply" }, same, [0, 3]],
  ]),
  ...Object.fromEntries(
    (["add", "subtract", "multiply", "divide", "maximum", "minimum"] as const).map((name) => [
      `binary-${name}`,
      network([
        [{ kind: "globalMaxPool" }, one],
        [{ kind: "binary", function: name }, same, [0, 1]],
      ]),
    ]),
  ),
  ...Object.fromEntries(
    functions.map((own, index) => [`${own.function}-${index}`, network([[{ kind: "activation", ...own }, same]])]),
  ),
  logarithm: network([
    [{ kind: "activation", function: "exp" }, same],
    [{ kind: "activation", function: "sqrt" }, same],
    [{ kind: "activation", function: "log" }, same],
  ]),
  ...Object.fromEntries(
    ([0, 1, 2] as const).map((axis) => [
      `concat-${axis}`,
      network([
        [{ kind: "relu" }, same],
        [{ kind: "concat", axis }, of(axis === 0 ? 14 : 7, axis === 1 ? 12 : 6, axis === 2 ? 6 : 3), [0, 1]],
      ]),
    ]),
  ),
  slice: network([[{ kind: "slice", begin: [1, 5, 0], step: [2, -2, 1] }, of(3, 3, 2)]]),
  "pad-constant": network([[{ kind: "pad", before: [1, 0, 2], mode: "constant", value: 0.5 }, of(9, 7, 6)]]),
  "pad-edge": network([[{ kind: "pad", before: [1, 2, 0], mode: "edge", value: 0 }, of(9, 9, 3)]]),
  "pad-reflect": network([[{ kind: "pad", before: [2, 1, 0], mode: "reflect", value: 0 }, of(10, 9, 3)]]),
  transpose: network([[{ kind: "transpose", order: [2, 0, 1] }, of(3, 7, 6)]]),
  reshape: network([[{ kind: "reshape" }, of(3, 14, 3)]]),
  shuffle: network([
    [{ ...convolution, weight: weight(6, 3, 3, 3), bias: null }, of(3, 5, 6)],
    [{ kind: "shuffleChannels", groups: 3 }, of(3, 5, 6)],
  ]),
  "instance-norm": network([[{ ...normalized, groups: 3, over: "image" }, same]]),
  "group-norm": network([[{ ...normalized, groups: 1, over: "image" }, same]]),
  "layer-norm": network([[{ ...normalized, groups: 1, over: "pixel" }, same]]),
  "local-response": network([[{ kind: "localResponse", size: 3, alpha: 0.3, beta: 0.75, bias: 1.5 }, same]]),
  "max-pool": network([[{ kind: "maxPool", ...pool }, of(4, 3, 3)]]),
  "max-pool-ceil": network([[{ kind: "maxPool", kernel: [2, 3], stride: [2, 2], padding: [0, 0, 0, 0] }, of(4, 3, 3)]]),
  "average-pool": network([[{ kind: "averagePool", ...pool, countPadding: false }, of(4, 3, 3)]]),
  "average-pool-counting": network([[{ kind: "averagePool", ...pool, countPadding: true }, of(4, 3, 3)]]),
  blur: network([[{ kind: "blurPool", stride: 2 }, of(4, 3, 3)]]),
  "zero-pad-shortcut": network([[{ kind: "zeroPadShortcut", stride: 2, before: 1 }, of(4, 3, 6)]]),
  "l2-normalize": network([
    [{ kind: "globalAveragePool" }, one],
    [{ kind: "l2Normalize", epsilon: 1e-12 }, one],
  ]),
  softmax: network([
    [{ kind: "globalAveragePool" }, one],
    [{ kind: "softmax" }, one],
  ]),
  "log-softmax": network([
    [{ kind: "globalAveragePool" }, one],
    [{ kind: "softmax", logarithm: true }, one],
  ]),
};

const fixtures = new URL("../fixtures/", import.meta.url);

function files(): Record<string, Network> {
  const found: Record<string, Network> = {};
  for (const [kind, text] of [
    ["families", "families.json"],
    ["structures", "structures.json"],
  ] as const) {
    const folder = new URL(`${kind}/`, fixtures);
    const { size, cases } = JSON.parse(readFileSync(new URL(text, folder), "utf8"));
    for (const name of readdirSync(folder).filter((it) => it.endsWith(".safetensors"))) {
      const key = name.replace(".safetensors", "");
      const { stated } = cases[key];
      const state = readSafetensors(readFileSync(new URL(name, folder)), name);
      found[`${kind}-${key}`] = buildNetwork(state, { inputSize: size, ...(stated ? { architecture: stated } : {}) });
    }
  }
  return found;
}

/** The bundled model in its integers. */
function integers(): Network {
  const url = new URL("../../models/cifar110-resnet20x2.int8.safetensors", import.meta.url);
  return buildNetwork(readSafetensors(readFileSync(url), "int8"), { integers: true });
}

/** As `runReference`, with every value rounded to its integers but for those of sixteen bits. */
function runRounded(network: Network, input: Float32Array): Float32Array {
  const values = new Map<number, Float64Array>([[network.input, Float64Array.from(input)]]);
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    const exact = runOp(
      op,
      (id) => values.get(id)!,
      (id) => network.values[id]!,
    );
    const { quantization } = network.values[op.output]!;
    const rounded = Float32Array.from(exact);
    if (quantization && quantization.type !== "s16") round(rounded, quantization);
    values.set(op.output, Float64Array.from(rounded));
  }
  return Float32Array.from(values.get(network.output)!);
}

describe.skipIf(missing)("onnxruntime computes from the file what the network does", () => {
  const folder = mkdtempSync(join(tmpdir(), "resnet-edge-onnx-"));
  const networks: Record<string, Network> = { ...kinds, ...files(), int8: integers() };
  let found: Record<string, number | string> = {};

  beforeAll(() => {
    for (const [name, one] of Object.entries(networks)) {
      const { height, width, channels } = one.values[one.input]!;
      const input = Float32Array.from(wave(height * width * channels, 0.5));
      writeFileSync(join(folder, `${name}.onnx`), writeOnnx(one, {}));
      writeFileSync(join(folder, `${name}.input`), input);
      writeFileSync(
        join(folder, `${name}.output`),
        name === "int8" ? runRounded(one, input) : Float32Array.from(runReference(one, input)),
      );
    }
    const ran = spawnSync(python, [script, folder], { encoding: "utf8", maxBuffer: 1 << 24 });
    expect(ran.status, ran.stderr).toBe(0);
    found = JSON.parse(ran.stdout.trim().split("\n").at(-1)!);
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(Object.keys(networks))("%s", (name) => {
    expect(found[name]).toBeTypeOf("number");
    // Of integers, f32 may round a sum that is nearly halfway to the other side.
    expect(found[name]).toBeLessThan(name === "int8" ? 0.02 : 1e-4);
  });
});

test("what opset 17 cannot say is refused by name", () => {
  const dilated = network([[{ kind: "averagePool", ...pool, countPadding: false, dilation: [2, 1] }, of(2, 3, 3)]]);
  expect(() => writeOnnx(dilated, {})).toThrow(UnsupportedModelError);
  expect(() => writeOnnx(dilated, {})).toThrow(/average pool.*op0/);
});

test("a file tells of its maker, its opset, its metadata and its open batch", () => {
  const text = Buffer.from(writeOnnx(pseudoRandomNetwork("resnet20", { inputSize: 8 }), { labels: ["cat"] })).toString(
    "latin1",
  );
  for (const part of ["resnet-edge", '{"labels":["cat"]}', "batch", "image", "logits", "layer1.0.conv1.weight"]) {
    expect(text).toContain(part);
  }
});

describe("our own reader gives the network back", () => {
  const families = files();
  test.each(Object.keys({ ...kinds, ...families }))("%s", async (name) => {
    const network = kinds[name] ?? families[name]!;
    const { height, width, channels } = network.values[network.input]!;
    const input = Float32Array.from(wave(height * width * channels, 0.5));
    const state = await readOther(writeOnnx(network, {}), name, {});
    const back = buildNetwork(state, { inputSize: [height, width] });
    const [expected, found] = [runReference(network, input), runReference(back, input)];
    const largest = Math.max(...expected.map(Math.abs));
    expect(found).toHaveLength(expected.length);
    expect(Math.max(...found.map((value, index) => Math.abs(value - expected[index]!))) / largest).toBeLessThan(1e-5);
  });

  test("labels and preprocessing come with it", async () => {
    const network = families["families-se"]!;
    const labels = ["a", "b", "c", "d", "e"];
    const state = await readOther(writeOnnx(network, { preprocess: { mean: [0, 0, 0] }, labels }), "se", {});
    expect(modelCard(state)).toMatchObject({ labels, preprocess: { mean: [0, 0, 0] } });
  });
});
