import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Network } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { numbersOf, readTensor } from "../../src/model/onnx/constants.js";
import * as more from "../../src/model/onnx/more/index.js";
import { readGraph } from "../../src/model/onnx/proto.js";
import { Message } from "../../src/model/onnx/protobuf.js";
import { runReference } from "../model/reference.js";

/** Where ONNX's own cases lie; absent in a checkout without the shared data. */
export const folder = new URL("../../../shared/data/onnx/", import.meta.url);
export const found = existsSync(folder);

export interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  /** By name, in the order of the graph; its initializers are none of them. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly output: Float64Array;
  readonly kinds: readonly string[];
}

type Read = (bytes: Buffer) => Float64Array;

const each =
  (size: number, read: (bytes: Buffer, at: number) => number | bigint): Read =>
  (bytes) =>
    Float64Array.from({ length: bytes.length / size }, (_, index) => Number(read(bytes, index * size)));

const half = (bits: number) => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

const readers: Readonly<Record<string, Read>> = {
  float32: each(4, (it, at) => it.readFloatLE(at)),
  float64: each(8, (it, at) => it.readDoubleLE(at)),
  float16: each(2, (it, at) => half(it.readUInt16LE(at))),
  uint8: each(1, (it, at) => it.readUInt8(at)),
  int8: each(1, (it, at) => it.readInt8(at)),
  bool: each(1, (it, at) => it.readUInt8(at)),
  uint16: each(2, (it, at) => it.readUInt16LE(at)),
  int16: each(2, (it, at) => it.readInt16LE(at)),
  uint32: each(4, (it, at) => it.readUInt32LE(at)),
  int32: each(4, (it, at) => it.readInt32LE(at)),
  uint64: each(8, (it, at) => it.readBigUInt64LE(at)),
  int64: each(8, (it, at) => it.readBigInt64LE(at)),
};

/** `node/`: a model, and raw values with their types and shapes. */
export function nodeCases(): Case[] {
  const root = new URL("node/", folder);
  return readdirSync(root).map((name) => {
    const at = (file: string) => readFileSync(new URL(`${name}/${file}`, root));
    const facts = JSON.parse(at("data.json").toString()) as [string, string, number[]][];
    const model = at("model.onnx");
    const { inputs, nodes } = readGraph(new Message(model));
    const values = new Map<string, Float64Array>();
    for (const [file, type] of facts) {
      if (file.startsWith("input")) values.set(inputs[values.size]!.name, readers[type]!(at(`${file}.bin`)));
    }
    const [, type] = facts.find(([file]) => file === "output_0")!;
    return {
      name,
      model,
      inputs: values,
      output: readers[type!]!(at("output_0.bin")),
      kinds: nodes.map(({ kind }) => kind),
    };
  });
}

const tensor = (bytes: Uint8Array) =>
  numbersOf(readTensor(new Message(bytes), { external: new Map(), more }), { left: 1e9 });

/** `pytorch-converted/`: a model with its weights, and protobuf tensors. */
export function convertedCases(): Case[] {
  const root = new URL("pytorch-converted/", folder);
  return readdirSync(root).map((name) => {
    const at = (file: string) => readFileSync(new URL(`${name}/${file}`, root));
    const model = at("model.onnx");
    const { inputs, initializers, nodes } = readGraph(new Message(model));
    const held = new Set(initializers.map((it) => it.text(8)));
    const open = inputs.filter((it) => !held.has(it.name));
    const values = new Map(open.map((it, index) => [it.name, tensor(at(`test_data_set_0/input_${index}.pb`))]));
    return {
      name,
      model,
      inputs: values,
      output: tensor(at("test_data_set_0/output_0.pb")),
      kinds: nodes.map(({ kind }) => kind),
    };
  });
}

/**
 * `light/`: whole networks; the input has n values, i / n in order. Those with the largest dense layers with FULL=1: npm run test:full.
 */
export function lightCases(): Case[] {
  const root = new URL("light/", folder);
  const isWanted = (name: string) => process.env.FULL || !/alexnet|vgg19|zfnet512/.test(name);
  const models = readdirSync(root).filter((name) => name.endsWith(".onnx") && isWanted(name));
  return models.map((file) => {
    const model = readFileSync(new URL(file, root));
    const { inputs, initializers, nodes } = readGraph(new Message(model));
    const held = new Set(initializers.map((it) => it.text(8)));
    const open = inputs.filter((it) => !held.has(it.name));
    const values = new Map(
      open.map(({ name, shape }) => {
        const n = shape!.reduce<number>((product, extent) => product * Number(extent), 1);
        return [name, Float64Array.from({ length: n }, (_, index) => index / n)];
      }),
    );
    const output = tensor(readFileSync(new URL(file.replace(".onnx", "_output_0.pb"), root)));
    return { name: file, model, inputs: values, output, kinds: nodes.map(({ kind }) => kind) };
  });
}

/** A graph's answers by plain loops in f64, image by image where it takes them one by one. */
export function answersOf(network: Network, input: Float64Array): number[] {
  const { height, width, channels } = network.values[network.input]!;
  const one = elementCount([height, width, channels]);
  const results: number[] = [];
  for (let at = 0; at < input.length; at += one) results.push(...runReference(network, input.subarray(at, at + one)));
  return results;
}

/** The largest difference, of the largest value. */
export function error(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [largest, most] = [1e-30, 0];
  for (let at = 0; at < wanted.length; at++) {
    largest = Math.max(largest, Math.abs(wanted[at]!));
    const difference = Math.abs(found[at]! - wanted[at]!);
    most = Math.max(
      most,
      found[at] === wanted[at] ? 0 : Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference,
    );
  }
  return most / largest;
}

/** What a case may be refused for: it computes no tensor from a tensor of numbers, or several. */
const noClassifier = [
  /is a sequence, a map or an optional/,
  /has no input: its graph computes constants alone/,
  /it holds no values/,
  /\(BatchNormalization\): it is in training mode/,
];

/** Prints how many cases are right within 1e-5 of the largest value, and which are refused. `verdicts`: an error's size, or what was thrown. */
export function report(verdicts: ReadonlyMap<string, number | string>): { wrong: object; refused: string[] } {
  const all = [...verdicts];
  const isRefusal = (verdict: unknown) => /^(UnsupportedModel|ModelFormat)Error: /.test(String(verdict));
  const refused = all.filter(([, verdict]) => isRefusal(verdict));
  const wrong = all.filter(([, verdict]) => !isRefusal(verdict) && !(Number(verdict) <= 1e-5));
  console.log(
    `${all.length - wrong.length - refused.length} right, ${refused.length} refused by name, ${wrong.length} wrong`,
  );
  for (const [name, verdict] of refused) console.log(`  ${name}: ${verdict}`);
  const without = refused.filter(([, verdict]) => !noClassifier.some((reason) => reason.test(String(verdict))));
  return { wrong: Object.fromEntries(wrong), refused: without.map(([name]) => name) };
}
