// One core in Node: the baseline (or relaxed) module against onnxruntime-web, on the same weights and input.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Variant } from "../../src/cpu/module.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { loadOrt } from "./ort.js";
import { alternate, mustAgree, report } from "./rounds.js";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "resnet18,resnet50" },
    rounds: { type: "string", default: "21" },
    simd: { type: "string", default: "baseline" },
  },
});
const ort = await loadOrt();
ort.env.wasm.numThreads = 1;

const wasm = async (variant: Variant) => WebAssembly.compile(await readFile(`dist/cpu-${variant}.wasm`));

for (const name of values.models.split(",")) {
  const network = pseudoRandomNetwork(name);
  const { channels, height, width } = network.values[network.input]!;
  const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
  const engine = await createCpuEngine(network, { wasm, simd: values.simd as "baseline" | "relaxed" });
  const session = await ort.InferenceSession.create(toOnnx(network), { executionProviders: ["wasm"] });
  const last = network.stages.length - 1;
  const engines = [
    { name: `resnet-edge ${values.simd}`, run: (x: Float32Array) => engine.run(0, last, x) },
    {
      name: "onnxruntime-web wasm",
      run: async (x: Float32Array) => {
        const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", x, [1, channels, height, width]) };
        return (await session.run(feeds))[session.outputNames[0]!]!.data;
      },
    },
  ];
  await mustAgree(engines, input);
  console.log(
    report(
      `\n${name} at ${height}x${width}, one thread, Node ${process.version}, ms`,
      await alternate(engines, input, Number(values.rounds)),
    ),
  );
  await engine.close();
  await session.release();
}
process.exit(0);
