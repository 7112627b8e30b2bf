import { ModelFormatError, UnsupportedModelError } from "../errors.js";
import type { Vector, Weight } from "../graph/network.js";
import type { ArrivingTensor, Tensor } from "../graph/tensor.js";
import { lazyVector } from "../graph/vector.js";
import { bytesNeeded, readRows, toFloat32 } from "../weights/values.js";
import type { Parameters } from "./parameters.js";

const floats: readonly string[] = ["f32", "f16", "bf16", "f64"];

/** Tensors of a file under torchvision's names; keeps account of which were asked for. */
export class FileParameters implements Parameters {
  private readonly unused: Set<string>;

  constructor(private readonly tensors: ReadonlyMap<string, Tensor | ArrivingTensor>) {
    this.unused = new Set(tensors.keys());
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  extent(name: string, axis = 0): number {
    return this.tensors.get(name)?.shape[axis] ?? 1;
  }

  weight(name: string, shape: readonly number[]): Weight {
    const tensor = this.take(name, shape);
    return {
      shape,
      read: (begin, end, target) => readRows(tensor, begin, end, target),
      needs: (end) => bytesNeeded(tensor, end),
      keep: () => {
        if ("arrival" in tensor) tensor.arrival.keep(tensor.begin, tensor.end);
      },
    };
  }

  vector(name: string, length: number): Vector {
    const tensor = this.take(name, [length]);
    const variance = name.endsWith("running_var");
    const needs = bytesNeeded(tensor, length);
    const vector = lazyVector(length, needs, () => readFinite(tensor, variance));
    // What is here is checked at once: a network that was built from a whole file is whole.
    if (needs === 0) vector.read();
    return vector;
  }

  /** Passes over the tensors that a caller does not want. */
  skip(prefix: string): void {
    for (const name of this.unused) if (name.startsWith(prefix)) this.unused.delete(name);
  }

  /** Throws `UnsupportedModelError` if the file holds tensors that the network has no place for. */
  refuseLeftOver(): void {
    const [first] = this.unused;
    if (first === undefined) return;
    const { name, shape } = this.tensors.get(first)!;
    throw new UnsupportedModelError(
      `The network has no place for ${name.slice(0, 200)} of shape [${shape}]` +
        `${this.unused.size > 1 ? ` (nor for ${this.unused.size - 1} more tensors)` : ""}: ` +
        "the file is not a plain residual network, or the architecture stated for it is wrong.",
    );
  }

  /** `dtypes`: what its values may be. */
  protected take(name: string, shape: readonly number[], dtypes = floats): Tensor | ArrivingTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) {
      throw new UnsupportedModelError(
        `The file has no ${name}; a tensor of shape [${shape}] was expected (torchvision's name). ` +
          "The file is incomplete, or its architecture is another one.",
      );
    }
    if (tensor.shape.length !== shape.length || shape.some((extent, axis) => extent !== tensor.shape[axis])) {
      throw new UnsupportedModelError(
        `${tensor.name} has shape [${tensor.shape}]; expected [${shape}] for ${name} of this network.`,
      );
    }
    if (!dtypes.includes(tensor.dtype)) {
      throw new UnsupportedModelError(`${tensor.name} is ${tensor.dtype}; weights must be f32, f16, bf16 or f64.`);
    }
    this.unused.delete(name);
    if ("arrival" in tensor) tensor.arrival.claim(tensor.begin, tensor.end);
    return tensor;
  }
}

function readFinite(tensor: Tensor | ArrivingTensor, variance: boolean): Float64Array {
  const values = toFloat32(tensor);
  const bad = values.findIndex((value) => !Number.isFinite(value) || (variance && value < 0));
  if (bad >= 0) {
    throw new ModelFormatError(
      `${tensor.name}[${bad}] is ${values[bad]}; ${variance ? "a variance is finite and not negative" : "it must be finite"}. ` +
        "The file is damaged, or training diverged.",
    );
  }
  return Float64Array.from(values);
}
