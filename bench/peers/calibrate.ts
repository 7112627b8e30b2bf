import type { ConvOp, Network, ValueId } from "../../src/graph/network.js";
import { beforeSumName, toOnnx, valueName } from "./onnx.js";
import { loadOrt } from "./ort.js";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a float network's values reached on some pictures. */
export interface Ranges {
  readonly values: ReadonlyMap<ValueId, Range>;
  /** Of convolutions with a residual, by their outputs: their values before it is added. */
  readonly beforeSum: ReadonlyMap<ValueId, Range>;
}

/**
 * The smallest and the largest of every value, over all pictures: what TensorFlow's converter and onnxruntime's quantiser take
 * unless told otherwise. onnxruntime's native build runs the float network, every value of it an output. `pictures`: NCHW.
 */
export async function calibrate(network: Network, pictures: readonly Float32Array[]): Promise<Ranges> {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const sums = ops.filter((op): op is ConvOp => op.kind === "conv" && op.inputs.length > 1);
  const inner = ops.map(({ output }) => output).filter((value) => value !== network.output);
  const ort = await loadOrt("onnxruntime-node");
  const model = toOnnx(network, { also: [...inner.map(valueName), ...sums.map(beforeSumName)] });
  const session = await ort.InferenceSession.create(model, { executionProviders: ["cpu"] });
  const { channels, height, width } = network.values[network.input]!;
  const reached = new Map<string, Range>();
  const widen = (name: string, data: Float32Array) => {
    let { min, max } = reached.get(name) ?? { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
    for (const value of data) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    reached.set(name, { min, max });
  };
  for (const picture of pictures) {
    const tensor = new ort.Tensor("float32", picture, [1, channels, height, width]);
    widen(valueName(network.input), picture);
    for (const [name, { data }] of Object.entries(await session.run({ [session.inputNames[0]!]: tensor }))) {
      widen(name, data);
    }
  }
  await session.release();
  const values = [network.input, ...inner, network.output];
  return {
    values: new Map(values.map((value) => [value, reached.get(valueName(value))!])),
    beforeSum: new Map(sums.map((op) => [op.output, reached.get(beforeSumName(op))!])),
  };
}
