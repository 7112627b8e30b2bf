import { writeNone } from "../features/none.js";
import type { Architecture } from "../graph/network.js";
import { contiguousStrides, type StateDict, type Tensor } from "../graph/tensor.js";
import type { ModelCard } from "../model/card.js";
import { arrange } from "../model/unusual/arrange.js";
import { buildNetwork } from "../model/unusual/build.js";
import type { LoadOptions } from "../options.js";
import { QUANTIZATION } from "../weights/integers-format.js";
import { readSafetensors } from "../weights/safetensors.js";
import { toFloat32 } from "../weights/values.js";
import { encode, float32, type Written } from "../weights/write.js";
import type { Lesson } from "./teacher.js";

/** The backbone's file, as it was read. */
export interface Backbone {
  readonly state: StateDict;
  readonly card: ModelCard;
  readonly options: Pick<LoadOptions, "architecture" | "inputSize">;
  /** Path or URL. */
  readonly origin: string;
}

/**
 * The backbone with the taught layer in the place of its head, as a safetensors file under torchvision's names. Its other weights are what
 * they were, integers too. Labels, preprocessing, what is none of the classes and where all of it came from stand in the metadata.
 */
export function writeTaught({ state, card, options, origin }: Backbone, lesson: Lesson): Uint8Array<ArrayBuffer> {
  const { layer, none, report } = lesson.taught;
  const integers = state.metadata.get(QUANTIZATION);
  const { architecture } = buildNetwork(state, { ...options, card });
  const tensors: Written[] = [];
  for (const [name, tensor] of integers === undefined ? trunkOf(state, architecture) : state.tensors) {
    if (!/^fc\./.test(name)) tensors.push(written(name, tensor));
  }
  const classes = report.labels.length;
  tensors.push(float32("fc.bias", [classes], layer.biases));
  tensors.push(float32("fc.weight", [classes, layer.weights.length / classes], layer.weights));
  const taught = {
    backbone: origin.split(/[\\/]/).at(-1),
    examples: report.examples,
    accuracy: report.accuracy,
    interval: report.interval,
    strength: report.strength,
  };
  const said = {
    architecture: traitsOf(architecture),
    preprocess: lesson.preprocess,
    labels: report.labels,
    none: none ? writeNone(none) : undefined,
    taught,
  };
  const metadata: Record<string, string> = { "resnet-edge": JSON.stringify(said) };
  if (integers !== undefined) metadata[QUANTIZATION] = integers;
  const file = encode(tensors, metadata);
  // It throws where what was written is no network.
  buildNetwork(readSafetensors(file, "the taught model"), { integers: integers !== undefined });
  return file;
}

/** Tensors under torchvision's names, without a head. */
function trunkOf(state: StateDict, architecture: Partial<Architecture>): ReadonlyMap<string, Tensor> {
  const { tensors } = arrange(state.tensors, state.format === "torch", architecture, false);
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (name.endsWith(" ")) continue;
    if ("parts" in tensor) {
      const { shape } = tensor;
      const bytes = new Uint8Array(tensor.compute().buffer);
      found.set(name, { name, dtype: "f32", shape, strides: contiguousStrides(shape), bytes });
    } else if (!("arrival" in tensor)) found.set(name, tensor);
  }
  return found;
}

const kinds = { f32: "F32", f16: "F16", bf16: "BF16", i8: "I8" } as const;

function written(name: string, tensor: Tensor): Written {
  const { dtype, shape, strides, bytes } = tensor;
  const dense = contiguousStrides(shape).every((step, axis) => shape[axis] === 1 || step === strides[axis]);
  const kind = kinds[dtype as keyof typeof kinds];
  if (!dense || !kind) return float32(name, shape, toFloat32(tensor));
  const size = shape.reduce((product, extent) => product * extent, { F32: 4, F16: 2, BF16: 2, I8: 1 }[kind]);
  return { name, dtype: kind, shape, bytes: bytes.subarray(0, size) };
}

/** What is stated of the network as it is written: its names are torchvision's, and its head is one linear layer. */
function traitsOf(architecture: Partial<Architecture>): Partial<Architecture> {
  const { name: _, classes: __, prefix, head, headPrefix, loraScale, cosineScale, scores, ...traits } = architecture;
  return traits;
}
