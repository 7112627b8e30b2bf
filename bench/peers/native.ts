// onnxruntime's native build in Node, for scale: one line of JSON on the given model. Not a browser engine.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { writeOnnx } from "../../src/convert/onnx.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { compareLogits, logitsOf, mustBeNear } from "./agreement.js";
import { loadOrt } from "./ort.js";
import { alternate, type Contestant } from "./rounds.js";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "resnet18" },
    rounds: { type: "string", default: "21" },
    threads: { type: "string", default: "1" },
    dtype: { type: "string", default: "f32" },
    /** Where int8-models.ts wrote. */
    folder: { type: "string", default: "models" },
    /** What the library was left to compute with; empty where that is unknown. */
    vectors: { type: "string", default: "" },
  },
});
const { model, folder } = values;
const int8 = values.dtype === "int8";
const ort = await loadOrt("onnxruntime-node");
const network = pseudoRandomNetwork(model);
const { channels, height, width } = network.values[network.input]!;
const name = `onnxruntime native (Node${values.vectors && `, ${values.vectors}`})${int8 ? ", int8" : ""}`;

async function open(bytes: Uint8Array): Promise<Contestant> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: Number(values.threads),
  });
  return {
    name,
    async run(x) {
      const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", x, [1, channels, height, width]) };
      return (await session.run(feeds))[session.outputNames[0]!]!.data;
    },
  };
}

const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
const engine = await open(int8 ? await readFile(`${folder}/${model}-int8.onnx`) : writeOnnx(network, {}));
const agreement = int8 ? await agree() : undefined;
const [measured] = await alternate([engine], input, Number(values.rounds));
console.log(JSON.stringify({ ...measured, agreement }));
process.exit(0);

async function agree() {
  const { buffer } = Uint8Array.from(await readFile(`${folder}/${model}-pictures.f32`));
  const pictures = [];
  for (let at = 0; at < buffer.byteLength; at += 4 * input.length) {
    pictures.push(new Float32Array(buffer, at, input.length));
  }
  const float = await open(await readFile(`${folder}/${model}-f32.onnx`));
  const agreement = compareLogits(await logitsOf(float, pictures), await logitsOf(engine, pictures));
  mustBeNear(name, agreement);
  return agreement;
}
