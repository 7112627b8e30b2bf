// onnxruntime's native build in Node, for scale: one line of JSON on the given model. Not a browser engine.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { loadOrt } from "./ort.js";
import { alternate } from "./rounds.js";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "resnet18" },
    rounds: { type: "string", default: "21" },
    threads: { type: "string", default: "1" },
  },
});
const ort = await loadOrt("onnxruntime-node");
const network = pseudoRandomNetwork(values.model);
const { channels, height, width } = network.values[network.input]!;
const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
const session = await ort.InferenceSession.create(toOnnx(network), {
  executionProviders: ["cpu"],
  intraOpNumThreads: Number(values.threads),
});
const run = async (x: Float32Array) => {
  const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", x, [1, channels, height, width]) };
  return (await session.run(feeds))[session.outputNames[0]!]!.data;
};
const name = `onnxruntime native (Node${instructions()})`;
const [measured] = await alternate([{ name, run }], input, Number(values.rounds));
console.log(JSON.stringify(measured));
process.exit(0);

/** What the native build finds to compute with: four times as wide as a browser's vectors, or twice. */
function instructions(): string {
  try {
    const flags = /^flags.*$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[0] ?? "";
    return flags.includes("avx512f") ? ", AVX-512" : flags.includes("avx2") ? ", AVX2" : "";
  } catch {
    return "";
  }
}
