import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { type DType, elementCount, type Tensor } from "../../src/graph/tensor.js";
import { type BuildOptions, buildNetwork } from "../../src/model/index.js";
import { changed, fixtureState, floats, networkFixtures } from "../model/fixtures.js";
import { Delivery } from "../weights/pieces.js";
import { openWeights, readWeights } from "../weights/read.js";
import { writeSafetensors } from "../weights/write-safetensors.js";
import { resnet18File } from "../worker/resnet18.js";
import { engineFor } from "./engine.js";

const { size } = networkFixtures.find(({ name }) => name === "basic")!;
const input = Float32Array.from({ length: 3 * size ** 2 }, (_, at) => Math.sin(0.3 * at));

async function logitsOf(network: ReturnType<typeof buildNetwork>, image = input): Promise<Float32Array> {
  const engine = await engineFor(network);
  const logits = (await engine.run(0, network.stages.length - 1, image)).slice();
  await engine.close();
  return logits;
}

async function buffered(bytes: Uint8Array, options: BuildOptions = { inputSize: size }) {
  return logitsOf(buildNetwork(await readWeights(bytes, "x"), options));
}

async function arriving(delivery: Delivery, options: BuildOptions = { inputSize: size }, recycled = true) {
  const state = await openWeights(delivery.body());
  const network = buildNetwork(state, options);
  if (recycled) state.arrival!.recycle();
  return logitsOf(network);
}

const isVector = ({ shape }: Tensor) => (shape.length === 1 ? 1 : 0);
const orders: [string, ((a: Tensor, b: Tensor) => number) | undefined][] = [
  ["as in a state dict", undefined],
  ["by the alphabet", (a, b) => (a.name < b.name ? -1 : 1)],
  ["backwards", (a, b) => (a.name < b.name ? 1 : -1)],
  ["vectors first", (a, b) => isVector(b) - isVector(a)],
  ["vectors last", (a, b) => isVector(a) - isVector(b)],
];

describe("a file gives the same logits while it arrives as from memory, to the bit", () => {
  const state = fixtureState("basic");
  test.each(orders)("tensors %s", async (_, compare) => {
    const bytes = writeSafetensors(state, "f32", compare);
    const expected = await buffered(bytes);
    for (const piece of [1000, 1 << 20]) expect(await arriving(new Delivery(bytes, piece))).toEqual(expected);
  });

  test.each<DType>(["f16", "bf16", "f64"])("in %s, at odd addresses", async (dtype) => {
    const bytes = writeSafetensors(state, dtype);
    const expected = await buffered(bytes);
    expect(expected.every(Number.isFinite)).toBe(true);
    for (const piece of [7, 4096]) expect(await arriving(new Delivery(bytes, piece))).toEqual(expected);
  });

  test("byte by byte", async () => {
    const bytes = writeSafetensors(fixtureState("cifar-zero-pad"), "bf16");
    expect(await arriving(new Delivery(bytes, 1))).toEqual(await buffered(bytes));
  });

  test.each(["resnext", "bottleneck", "resnet-d"])("%s", async (name) => {
    const bytes = writeSafetensors(fixtureState(name), "f32");
    expect(await arriving(new Delivery(bytes, 5000))).toEqual(await buffered(bytes));
  });

  test.each<[string, BuildOptions]>([
    ["BatchNorms kept", { foldBatchNorm: false }],
    ["without its classifier", { includeTop: false }],
  ])("%s", async (_, options) => {
    const bytes = writeSafetensors(state, "f32");
    const all = { ...options, inputSize: size };
    expect(await arriving(new Delivery(bytes, 5000), all)).toEqual(await buffered(bytes, all));
  });

  test("for two devices, one after the other", async () => {
    const bytes = writeSafetensors(state, "f32");
    const network = buildNetwork(await openWeights(new Delivery(bytes, 5000).body()), { inputSize: size });
    const first = await logitsOf(network);
    expect(await logitsOf(network)).toEqual(first);
    expect(first).toEqual(await buffered(bytes));
  });
});

/** All that a device reads of a network, twice over. */
function readAll(network: Network): Float32Array[] {
  const ops = network.stages.flatMap((stage) => stage.ops);
  return [...ops, ...ops].flatMap((op) => {
    if (!("weight" in op)) return [];
    const rows = op.weight.shape[0]!;
    const row = elementCount(op.weight.shape.slice(1));
    const values = new Float32Array(rows * row);
    // In parts that end within panels and groups.
    for (let begin = 0; begin < rows; begin += 5) {
      op.weight.read(begin, Math.min(begin + 5, rows), values.subarray(begin * row));
    }
    return [values, Float32Array.from(op.bias?.read() ?? [])];
  });
}

describe("a second device reads what the file said, to the bit, though the file has gone", () => {
  const load = async (bytes: Uint8Array, inputSize: number) => {
    const state = await openWeights(new Delivery(bytes, 5000).body());
    const network = buildNetwork(state, { inputSize });
    state.arrival!.recycle();
    return { engine: await engineFor(network, { readAgain: true }), arrival: state.arrival! };
  };

  test.each(networkFixtures.map(({ name, size }) => [name, size] as const))("%s", async (name, inputSize) => {
    const bytes = writeSafetensors(fixtureState(name), "f32");
    const { engine } = await load(bytes, inputSize);
    const expected = readAll(buildNetwork(await readWeights(bytes, "x"), { inputSize }));
    expect(readAll(engine.network)).toEqual(expected);
    await engine.run(0, engine.network.stages.length - 1, new Float32Array(3 * inputSize ** 2).fill(0.3));
    expect(readAll(engine.network)).toEqual(expected);
    await engine.close();
  });

  test("of a ResNet-18 a part is kept", async () => {
    const { engine, arrival } = await load(resnet18File(), 32);
    expect(arrival.held).toBeGreaterThan(0);
    expect(arrival.held).toBeLessThan(16e6);
    await engine.close();
  });
});

describe("a ResNet-18 of 47 MB passes through a part of that", () => {
  const bytes = resnet18File();
  const image = Float32Array.from({ length: 3 * 32 ** 2 }, (_, at) => Math.sin(0.3 * at));
  let expected: Float32Array;

  test.each([
    ["vectors behind their weights: the largest tensor and a few slabs", false, 15e6],
    ["vectors first: a few slabs", true, 6e6],
  ])("%s", async (_, sorted, most) => {
    const file = sorted
      ? writeSafetensors(await readWeights(bytes, "x"), "f32", (a, b) => isVector(b) - isVector(a))
      : bytes;
    const delivery = new Delivery(file, 300_000);
    const state = await openWeights(delivery.body());
    const network = buildNetwork(state, { inputSize: 32 });
    state.arrival!.recycle();
    let held = 0;
    delivery.onPiece = () => {
      held = Math.max(held, state.arrival!.held);
    };
    const logits = await logitsOf(network, image);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(most);
    expect(state.arrival!.held).toBe(0);
    expected ??= await logitsOf(buildNetwork(await readWeights(bytes, "x"), { inputSize: 32 }), image);
    expect(logits).toEqual(expected);
  });
});

describe("refused as from memory", () => {
  const basic = fixtureState("basic");
  test.each<[string, Parameters<typeof changed>[1]]>([
    ["a mean that is no number", { "bn1.running_mean": floats(0, 0, Number.NaN, 0, 0, 0, 0, 0) }],
    ["a variance below zero", { "bn1.running_var": floats(1, 1, 1, -1, 1, 1, 1, 1) }],
    ["a bias without end", { "layer2.0.bn2.bias": floats(...Array(8).fill(Number.POSITIVE_INFINITY)) }],
  ])("%s", async (_, change) => {
    const bytes = writeSafetensors(changed(basic, change), "f32");
    const failure = await arriving(new Delivery(bytes, 1000)).catch((error) => error);
    const known = await buffered(bytes).catch((error) => error);
    expect(known.name).toBe("ModelFormatError");
    expect(`${failure}`).toBe(`${known}`);
  });

  const whole = writeSafetensors(basic, "f32");
  const edited = (edit: (header: string) => string): Uint8Array => {
    const end = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
    const header = Buffer.from(edit(Buffer.from(whole.subarray(8, end)).toString()));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Uint8Array.from(Buffer.concat([length, header, whole.subarray(end)]));
  };
  const withLength = (length: bigint) => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };
  test.each<[string, Uint8Array]>([
    ["cut off in the values", whole.slice(0, -1)],
    ["cut off in the header", whole.slice(0, 100)],
    ["nothing but a length", whole.slice(0, 8)],
    ["something behind the values", Uint8Array.from([...whole, 0])],
    ["a header longer than the file", withLength(BigInt(whole.length))],
    ["a header of 2^63 bytes", withLength(1n << 63n)],
    ["a header of two bytes", withLength(2n)],
    ["a header that is cut short", withLength(77n)],
    ["an unknown type", edited((header) => header.replace("F32", "F31"))],
    ["a negative place", edited((header) => header.replace(/\[(\d+),(\d+)\]/, "[-1,$2]"))],
    [
      "tensors on top of each other",
      edited((header) => header.replace(/"data_offsets":\[\d{3,},/, '"data_offsets":[0,')),
    ],
    ["a page", Buffer.from("<!doctype html><title>Sign in</title>")],
    ["a pickle that is cut off", Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20)],
    ["one byte", Uint8Array.of(123)],
  ])("%s", async (what, bytes) => {
    let known: unknown;
    try {
      await readWeights(bytes, "x");
    } catch (error) {
      known = error;
    }
    // Such a file is sound, and may be fp8.
    const name = what === "an unknown type" ? "UnsupportedModelError" : "ModelFormatError";
    expect(known).toMatchObject({ name });
    for (const piece of [5, 1 << 20]) {
      const failure = await openWeights(new Delivery(bytes, piece).body()).catch((error) => error);
      expect(`${failure}`).toBe(`${known}`);
    }
  });
});

describe("an end before the end", () => {
  const bytes = new Uint8Array(readFileSync(new URL("../fixtures/networks/basic.safetensors", import.meta.url)));
  const half = bytes.length >> 1;
  test.each([half, bytes.length - 1, 60])("broken off after %i bytes", async (at) => {
    const failure = await arriving(new Delivery(bytes, 10, at)).catch((error) => error);
    expect(failure).toMatchObject({ name: "SourceError", message: /^x broke off after \d+ bytes: network error\./ });
  });

  test("shorter than stated", async () => {
    const load = async () => {
      const state = await openWeights(new Delivery(bytes.slice(0, half), 100).body(bytes.length));
      return logitsOf(buildNetwork(state, { inputSize: size }));
    };
    await expect(load()).rejects.toMatchObject({
      name: "SourceError",
      message: `x ended after ${half} of ${bytes.length} bytes. Load it again.`,
    });
  });

  test("longer than stated", async () => {
    const longer = Uint8Array.from([...bytes, 1, 2, 3]);
    const load = async () => {
      const state = await openWeights(new Delivery(longer, 100).body(bytes.length));
      return logitsOf(buildNetwork(state, { inputSize: size }));
    };
    await expect(load()).rejects.toMatchObject({ name: "SourceError", message: /ended after \d+ of/ });
  });

  test.each([0.02, 0.5, 0.99])("an abort at %f of the file: the reader is let go", async (share) => {
    const controller = new AbortController();
    const delivery = new Delivery(bytes, 100);
    delivery.onPiece = () => {
      if (delivery.delivered >= share * bytes.length) controller.abort();
    };
    const load = async () => {
      const state = await openWeights(delivery.body(bytes.length, { signal: controller.signal }));
      return logitsOf(buildNetwork(state, { inputSize: size }));
    };
    await expect(load()).rejects.toMatchObject({ name: "AbortError" });
    expect(delivery.cancelled).toBe(true);
  });
});
