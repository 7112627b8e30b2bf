// The GPU path on whatever adapter Dawn finds: agreement with the CPU, and times. One line of JSON.
import { createGpuEngine } from "../../src/gpu/index.js";
import { probeGpu } from "../../src/gpu/probe.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { spread } from "./rounds.js";

const models = (process.env.MODELS ?? "resnet18,resnet50").split(",");
const size = Number(process.env.SIZE ?? 224);
const rounds = Number(process.env.ROUNDS ?? 30);
/** Of the largest logit: sums are f32 in both, but halves are what is stored. */
const TOLERANCE = { f32: 1e-4, f16: 2e-2 };

const { create } = await import("webgpu");
const gpu = create([]);
const { adapter, reason, name } = await probeGpu({ gpu });
if (!adapter) {
  console.log(JSON.stringify({ skip: reason }));
} else {
  const results = [];
  for (const model of models) {
    const network = pseudoRandomNetwork(model, { inputSize: size });
    const { channels, height, width } = network.values[network.input]!;
    const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
    const last = network.stages.length - 1;
    let wanted: Float32Array | null = null;
    for (const precision of ["f32", "f16"] as const) {
      try {
        const engine = await createGpuEngine(network, { gpu, precision });
        const logits = (await engine.run(0, last, input)).slice();
        wanted ??= logits;
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const error = logits.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted![at]!)), 0) / largest;
        if (!(error <= TOLERANCE[precision])) throw new Error(`differs by ${error} of the largest logit`);
        for (const images of [1, 32]) {
          const times = [];
          for (let round = -3; round < rounds; round++) {
            const start = performance.now();
            for (let image = 0; image < images; image++) await engine.run(0, last, input);
            if (round >= 0) times.push(performance.now() - start);
          }
          results.push({ model, precision, images, difference: error, ...spread(times) });
        }
        await engine.close();
      } catch (error) {
        results.push({ model, precision, images: 0, error: (error as Error).message });
      }
    }
  }
  console.log(JSON.stringify({ adapter: name, date: new Date().toISOString().slice(0, 10), size, results }));
}
process.exit(0);
