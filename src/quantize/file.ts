import { UnsupportedModelError } from "../errors.js";
import { graphKey } from "../graph/graph-key.js";
import type { Architecture, Network, Weight } from "../graph/network.js";
import { storedIn } from "../graph/stored.js";
import { elementCount } from "../graph/tensor.js";
import { buildNetwork } from "../model/unusual/build.js";
import type { Preprocess } from "../options.js";
import { QUANTIZATION, VERSION } from "../weights/integers-format.js";
import { readSafetensors } from "../weights/safetensors.js";
import { encode, float32, type Written } from "../weights/write.js";
import { toBfloat16, toFloat16 } from "./half.js";
import { layersOf } from "./layers.js";

export interface FileCard {
  readonly labels: readonly string[] | null;
  readonly preprocess: Preprocess;
}

/** How weights that are no integers are written. */
export type FloatType = "f32" | "f16" | "bf16";

/**
 * A network as a safetensors file under torchvision's names, its BatchNorms folded. Integer weights are written as such, with their
 * scales, and so are the scales of rounded values; `floats`: the type of other weights. A layer's input that is the image, and
 * vectors, are f32.
 *
 * Throws `UnsupportedModelError` for a network that the file would not give back.
 */
export function writeNetwork(network: Network, card: FileCard, floats: FloatType): Uint8Array<ArrayBuffer> {
  const architecture = statedArchitecture(network);
  const integers = network.stages.some(({ ops }) => ops.some((op) => "weight" in op && op.weight.int8));
  const metadata: Record<string, string> = {
    "resnet-edge": JSON.stringify({ architecture, preprocess: card.preprocess, labels: card.labels ?? undefined }),
    ...(integers ? { [QUANTIZATION]: VERSION } : {}),
  };
  const bytes = encode(tensorsOf(network, floats), metadata);
  checkWritten(network, bytes);
  return bytes;
}

/** Traits of the network as it is written: what was computed into weights is not stated again. */
function statedArchitecture(network: Network): Partial<Architecture> {
  const {
    name: _,
    classes: __,
    prefix,
    headPrefix,
    loraScale,
    epsilon,
    residualScale,
    ...traits
  } = network.architecture;
  return traits;
}

function tensorsOf(network: Network, floats: FloatType): Written[] {
  const scales: Written[] = [];
  const vectors: Written[] = [];
  const weights: Written[] = [];
  for (const layer of layersOf(network)) {
    const { name, weight, bias, inputs } = layer;
    const stored = layer.kind === "conv" ? storedIn(layer, network).value : layer.output;
    const { quantization } = network.values[stored]!;
    if (quantization) scales.push(float32(`${name}.output_scale`, [1], [quantization.scale]));
    const outputs = weight.shape[0]!;
    if (weight.int8) {
      const values = new Int8Array(elementCount(weight.shape));
      weight.int8.read(0, outputs, values);
      weights.push({ name: `${name}.weight`, dtype: "I8", shape: weight.shape, bytes: new Uint8Array(values.buffer) });
      vectors.push(float32(`${name}.weight_scale`, [outputs], weight.int8.scales.read()));
    } else {
      const values = new Float32Array(elementCount(weight.shape));
      weight.read(0, outputs, values);
      const type = inputs[0] === network.input ? "f32" : floats;
      weights.push(floatWeight(`${name}.weight`, weight.shape, values, type));
    }
    vectors.push(float32(`${name}.bias`, [outputs], bias?.read() ?? new Float32Array(outputs)));
  }
  // A reader builds the network from the values' scales, and packs a layer as soon as its weights are here: those come last.
  return [...scales, ...vectors, ...weights];
}

function floatWeight(name: string, shape: readonly number[], values: Float32Array, type: FloatType): Written {
  if (type === "f32") return float32(name, shape, values);
  const convert = type === "f16" ? toFloat16 : toBfloat16;
  const bits = Uint16Array.from(values, convert);
  if (type === "f16" && bits.some((it) => (it & 0x7fff) === 0x7c00)) {
    throw new UnsupportedModelError(`${name} has values beyond f16's 65504. Use --dtype bf16.`);
  }
  return { name, dtype: type === "f16" ? "F16" : "BF16", shape, bytes: new Uint8Array(bits.buffer) };
}

/** Reads the file back, and compares what it computes, operation by operation, with what it should. */
function checkWritten(network: Network, bytes: Uint8Array): void {
  const { height, width } = network.values[network.input]!;
  const options = { inputSize: [height, width], integers: true } as const;
  let cause: unknown;
  try {
    if (keyOf(buildNetwork(readSafetensors(bytes, "the written file"), options)) === keyOf(network)) return;
  } catch (error) {
    cause = error;
  }
  throw new UnsupportedModelError(
    "This network cannot be written: a file of folded layers would be read as another one. Its head has layers other than linear ones and activations.",
    { cause },
  );
}

/** Biases are left out: a layer without one is written with zeros. */
function keyOf({ values, stages }: Network): string {
  const plain = stages.map((stage) => ({
    ...stage,
    ops: stage.ops.map((op) => ("weight" in op ? { ...op, bias: null, weight: shapeOf(op.weight) } : op)),
  }));
  return graphKey({ values, stages: plain } as unknown as Network);
}

const shapeOf = ({ shape, int8 }: Weight) => ({ shape, integers: int8 !== undefined });

/** Bytes of the same layers in f32. */
export const floatBytes = (network: Network) =>
  layersOf(network).reduce((sum, { weight }) => sum + 4 * (elementCount(weight.shape) + weight.shape[0]!), 0);
