// onnxruntime's native build in Node, for scale: one line of JSON on the given model. Not a browser engine.
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
    /** What the library was left to compute with; empty where that is unknown. */
    vectors: { type: "string", default: "" },
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
const name = `onnxruntime native (Node${values.vectors && `, ${values.vectors}`})`;
const [measured] = await alternate([{ name, run }], input, Number(values.rounds));
console.log(JSON.stringify(measured));
process.exit(0);
