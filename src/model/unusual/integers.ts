import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import type { Network, Op, Vector, Weight } from "../../graph/network.js";
import { withScales } from "../../graph/quantization.js";
import { type ArrivingTensor, elementCount, type Tensor } from "../../graph/tensor.js";
import { lazyVector } from "../../graph/vector.js";
import { bytesNeeded, readRows, toFloat32 } from "../../weights/values.js";
import type { State } from "../construct.js";
import { PartParameters } from "./parameters.js";
import type { Readable } from "./parametrized.js";

type FileTensor = Tensor | ArrivingTensor;

/** The name in a safetensors file's metadata under which it says that its weights are integers, and how they are meant. */
export const QUANTIZATION = "resnet-edge.quantization";
export const VERSION = "int8-1";

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

function checkScale(scale: number, name: string): number {
  if (scale > 0 && scale < Number.POSITIVE_INFINITY) return scale;
  throw new ModelFormatError(`${name} is ${scale}; a scale is above zero and finite. The file is damaged.`);
}

/** As `PartParameters`, with weights of integers. */
export class IntegerParameters extends PartParameters {
  constructor(
    tensors: ReadonlyMap<string, Readable>,
    private readonly scales: Scales["weights"],
  ) {
    super(tensors);
  }

  override weight(name: string, shape: readonly number[]): Weight {
    const scale = this.scales.get(name.replace(/\.weight$/, ""));
    if (!scale) return super.weight(name, shape);
    const tensor = this.take(name, shape, ["i8"]);
    const scales = this.scaleVector(scale, shape[0]!);
    const row = elementCount(shape.slice(1));
    return {
      shape,
      needs: (end) => Math.max(bytesNeeded(tensor, end), scales.needs ?? 0),
      keep() {
        if ("arrival" in tensor) tensor.arrival.keep(tensor.begin, tensor.end);
      },
      read(begin, end, target) {
        readRows(tensor, begin, end, target);
        const factors = scales.read();
        for (let output = begin, at = 0; output < end; output++) {
          for (const stop = at + row; at < stop; at++) {
            if (target[at] === -128) throw beyond(name, output);
            target[at] = factors[output]! * target[at]!;
          }
        }
      },
      int8: {
        scales,
        read(begin, end, target) {
          const bytes = new Uint8Array(target.buffer, target.byteOffset, (end - begin) * row);
          if ("arrival" in tensor) tensor.arrival.read(tensor.begin + begin * row, bytes);
          else bytes.set(tensor.bytes.subarray(begin * row, end * row));
          const bad = bytes.indexOf(0x80);
          if (bad >= 0) throw beyond(name, begin + Math.floor(bad / row));
        },
      },
    };
  }

  private scaleVector(tensor: FileTensor, outputs: number): Vector {
    const { name, shape } = tensor;
    if (shape.length !== 1 || shape[0] !== outputs) {
      throw new UnsupportedModelError(`${name} has shape [${shape}]; expected [${outputs}], a scale for each channel.`);
    }
    if ("arrival" in tensor) tensor.arrival.claim(tensor.begin, tensor.end);
    const needs = bytesNeeded(tensor, outputs);
    const vector = lazyVector(outputs, needs, () => {
      const values = Float64Array.from(toFloat32(tensor));
      for (const [channel, value] of values.entries()) checkScale(value, `${name}[${channel}]`);
      return values;
    });
    // What is here is checked at once, as other vectors are.
    if (needs === 0) vector.read();
    return vector;
  }
}

const beyond = (name: string, output: number) =>
  new ModelFormatError(`${name}[${output}] holds -128; integer weights are -127 to 127. The file is damaged.`);

/** The network with the file's values rounded; throws where a scale is of no convolution. */
export function rounded(network: Network, { outputs }: Scales): Network {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const convolutions = new Set(ops.filter((op: Op) => op.kind === "conv").map(({ name }) => name));
  for (const layer of outputs.keys()) {
    if (!convolutions.has(layer)) {
      throw new ModelFormatError(`The file has ${layer}.output_scale, but ${layer} is no convolution of its network.`);
    }
  }
  return withScales(network, ({ name }) => outputs.get(name) ?? null);
}
