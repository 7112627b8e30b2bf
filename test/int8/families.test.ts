import { beforeAll, describe, expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { buildNetwork } from "../../src/model/index.js";
import { pseudoRandomNetwork } from "../../src/model/pseudo-random.js";
import { onEngine } from "../../src/quantize/engine.js";
import { writeNetwork } from "../../src/quantize/file.js";
import { quantizeNetwork } from "../../src/quantize/network.js";
import { runRounded } from "../../src/quantize/run.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { library } from "../built.js";
import { engineFor, modules } from "../cpu/engine.js";
import { card, cpu } from "../quantize/fixture.js";
import { generator } from "../random.js";

// Node 20 has a dot product of bytes behind a flag, and its first compiler gets it wrong.
const hasDot = Number.parseInt(process.versions.node, 10) >= 22;
const usable = modules.filter((simd) => hasDot || simd === "baseline");

const random = generator(5);
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Noise about a colour of each picture's own. */
const pictures = Array.from({ length: 6 }, () => {
  const colours = [0, 1, 2].map(() => random() * 4 - 2);
  return Float32Array.from({ length: 3 * 64 * 64 }, (_, at) => colours[Math.floor(at / 4096)]! + random() * 2 - 1);
});

async function logitsOf(of: Network, input: Float32Array) {
  const engine = await engineFor(of, { simd: "baseline" });
  try {
    return (await engine.run(0, of.stages.length - 1, input)).slice();
  } finally {
    await engine.close();
  }
}

/** The power of the logits over that of the difference, in dB. */
function nearness(exact: Float32Array, found: Float32Array): number {
  const power = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(power(exact) / power(exact.map((value, at) => value - found[at]!)));
}

/** mnasnet's operations are those of the two others. */
const names = ["efficientnet_lite0", "mobilenet_v2", ...(process.env.FULL ? ["mnasnet1_0"] : [])];

describe.each(names)("%s in integers", (name) => {
  let float: Network;
  let network: Network;
  let file: Uint8Array;
  beforeAll(async () => {
    float = pseudoRandomNetwork(name, { inputSize: 64, classes: 20 });
    ({ network } = await quantizeNetwork(float, pictures.slice(0, 4), { cpu }));
    file = writeNetwork(network, card, "f16");
  }, 240_000);

  test("every layer but the stem computes in integers, and depthwise ones by their own kernel", async () => {
    const engine = await engineFor(network, { simd: "baseline" });
    const { program } = await engine.inside();
    await engine.close();
    const kernels = program.steps.map(({ kernel }) => kernel);
    const layers = network.stages.flatMap(({ ops }) => ops).filter((op) => "weight" in op);
    const floats = kernels.filter((kernel) => kernel.startsWith("f32_") && kernel !== "f32_input_nchw");
    expect(floats).toHaveLength(1);
    const depthwise = layers.filter((op) => op.kind === "conv" && op.groups > 1);
    expect(depthwise.length).toBeGreaterThan(10);
    expect(kernels.filter((kernel) => kernel === "qs8_depthwise")).toHaveLength(depthwise.length);
    const types = network.values.map(
      ({ quantization }) => quantization && [quantization.type, quantization.zero].join(" "),
    );
    expect(new Set(types)).toEqual(new Set([undefined, "u8 ", "u7 ", "u7 64", "s16 "]));
  });

  test("its answers are as near its own in float as its simulation's are", async () => {
    // Values that lie near a half are rounded to either side, and all that is behind them changes: the two do not answer alike.
    for (const input of pictures.slice(4)) {
      const simulated = await onEngine(network, cpu, (inside) => runRounded(inside, network.values, input));
      const exact = await logitsOf(float, input);
      const [expected, found] = [simulated, await logitsOf(network, input)].map((logits) =>
        nearness(exact, logits),
      ) as [number, number];
      console.log(`${name}: ${found.toFixed(1)} dB, simulated ${expected.toFixed(1)} dB`);
      expect(found).toBeGreaterThan(20);
      expect(found).toBeGreaterThan(expected - 4);
    }
  });

  test("modules, and memory: small, change no bit behind the stem, which is f32", async () => {
    const last = network.stages.length - 1;
    const settings = usable.flatMap((simd) => [{ simd }, { simd, memory: "small" as const }]);
    const engines = await Promise.all(settings.map((options) => engineFor(network, options)));
    const stem = (await engines[0]!.run(0, 0, pictures[0]!)).slice();
    const all: Float32Array[] = [];
    for (const engine of engines) all.push((await engine.run(1, last, stem)).slice());
    for (const logits of all) expect(logits).toEqual(all[0]);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  test("its file is read as it was written, and loads in the library: in integers, in two threads, in float", async () => {
    const back = buildNetwork(readSafetensors(file, "the file"), { integers: true, inputSize: 64 });
    expect(back.values).toEqual(network.values);
    const own = await logitsOf(back, pictures[1]!);
    const options = { worker: false, simd: "baseline", inputSize: 64 } as const;
    for (const threads of [1, 2]) {
      const model = await library.loadModel(file, { ...options, threads });
      expect(model.stats.kernels).toContain("int8");
      expect((await model.run(pictures[1]!)).logits).toEqual(own);
      await model.close();
    }
    const whole = await library.loadModel(file, { ...options, threads: 1, precision: "f32" });
    expect(whole.stats.kernels).not.toContain("int8");
    const { logits } = await whole.run(pictures[1]!);
    expect(logits).not.toEqual(own);
    expect(largest(logits.map((value, at) => value - own[at]!))).toBeLessThan(0.3 * largest(logits));
    await whole.close();
  });
});
