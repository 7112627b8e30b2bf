import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import { type ArrivingTensor, elementCount, type Tensor } from "../../graph/tensor.js";
import { QUANTIZATION, VERSION } from "../../weights/integers-format.js";
import { bytesNeeded, toFloat32 } from "../../weights/values.js";
import type { State } from "../construct.js";

export type FileTensor = Tensor | ArrivingTensor;

/** What a file of integers has beside weights and biases. */
export interface Scales {
  /** By layer, [O]: what an integer weight of each output channel is worth. */
  readonly weights: ReadonlyMap<string, FileTensor>;
  /** By layer: what a step of the value that it stores is worth. */
  readonly outputs: ReadonlyMap<string, number>;
}

const scaleName = /^(.+)\.(weight|output)_scale$/;

/** Takes a file's scales out of its tensors; null where the file is none of integers. Throws where they cannot have been meant. */
export function takeScales({ metadata, tensors }: State): { rest: Map<string, FileTensor>; scales: Scales } | null {
  const version = metadata.get(QUANTIZATION);
  if (version === undefined) return null;
  if (version !== VERSION) {
    throw new UnsupportedModelError(
      `The file's ${QUANTIZATION} is "${version.slice(0, 80)}"; this version reads "${VERSION}". Update the library, or quantize the model with this one.`,
    );
  }
  const rest = new Map(tensors);
  const weights = new Map<string, FileTensor>();
  const outputs = new Map<string, number>();
  for (const [name, tensor] of tensors) {
    const [, layer, kind] = scaleName.exec(name) ?? [];
    if (layer === undefined) continue;
    rest.delete(name);
    if (tensor.dtype !== "f32") throw new ModelFormatError(`${name} is ${tensor.dtype}; scales are f32.`);
    if (!rest.has(`${layer}.weight`)) {
      throw new ModelFormatError(`The file has ${name}, but no ${layer}.weight: it is damaged, or not of this format.`);
    }
    if (kind === "weight") weights.set(layer, tensor);
    else outputs.set(layer, outputScale(tensor));
  }
  for (const [name, { dtype }] of rest) {
    const layer = name.replace(/\.weight$/, "");
    if (dtype === "i8" && !weights.has(layer)) {
      throw new ModelFormatError(`${name} is i8, and the file has no ${layer}.weight_scale: it is damaged.`);
    }
    if (dtype !== "i8" && layer !== name && weights.has(layer)) {
      throw new ModelFormatError(`${name} is ${dtype}, and has a ${layer}.weight_scale: only i8 weights have scales.`);
    }
  }
  return { rest, scales: { weights, outputs } };
}

/** Waits for what a network is built from: the values' scales, which stand first in the files that this library writes. */
export async function scalesArrived({ metadata, tensors, arrival }: State): Promise<void> {
  if (!arrival || !metadata.has(QUANTIZATION)) return;
  for (const [name, tensor] of tensors) {
    if (name.endsWith(".output_scale")) await arrival.arrived(bytesNeeded(tensor, tensor.shape[0] ?? 1));
  }
}

function outputScale(tensor: FileTensor): number {
  if (elementCount(tensor.shape) !== 1) {
    throw new ModelFormatError(`${tensor.name} has shape [${tensor.shape}]; a value has one scale.`);
  }
  return checkScale(toFloat32(tensor)[0]!, tensor.name);
}

/** Throws `ModelFormatError` for a scale that nothing can have. */
export function checkScale(scale: number, name: string): number {
  if (scale > 0 && scale < Number.POSITIVE_INFINITY) return scale;
  throw new ModelFormatError(`${name} is ${scale}; a scale is above zero and finite. The file is damaged.`);
}
