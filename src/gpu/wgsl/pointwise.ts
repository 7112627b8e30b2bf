import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface PointwiseOptions {
  readonly kind: "add" | "relu" | "batchNorm";
  readonly storage: Storage;
  readonly pixels: number;
  readonly vectors: number;
  readonly head: number;
  readonly relu: boolean;
  /** First vectors of a BatchNorm's scale and shift in `parameters`. */
  readonly scale?: number;
  readonly shift?: number;
}

/** What convolutions did not absorb, one thread for four channels: add, ReLU, BatchNorm. */
export function pointwise({ kind, storage, pixels, vectors, head, relu, scale, shift }: PointwiseOptions): Kernel {
  const count = pixels * vectors;
  const { index, ...threads } = elementwise(count);
  const batchNorm = kind === "batchNorm";
  return kernel({
    name: `${kind}${relu && kind !== "relu" ? "_relu" : ""}`,
    storage,
    constants: {
      COUNT: count,
      HEAD: head,
      ...(batchNorm ? { VECTORS: vectors, SCALE: scale ?? 0, SHIFT: shift ?? 0 } : {}),
    },
    buffers: {
      src: "Vector",
      ...(kind === "add" ? { other: "Vector" } : {}),
      ...(batchNorm ? { parameters: "vec4f" } : {}),
      dst: "Vector",
    },
    ...threads,
    body: `
  ${index}
  var value = vec4f(src[HEAD + index]);
  ${kind === "add" ? "value += vec4f(other[HEAD + index]);" : ""}
  ${batchNorm ? "value = value * parameters[SCALE + index % VECTORS] + parameters[SHIFT + index % VECTORS];" : ""}
  dst[HEAD + index] = Vector(${relu || kind === "relu" ? "max(value, vec4f())" : "value"});`,
  });
}
