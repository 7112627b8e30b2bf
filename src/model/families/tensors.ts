import type { TensorInfo } from "../../graph/tensor.js";

/** A file's tensors by name; their names and shapes tell a family. */
export type Tensors = ReadonlyMap<string, TensorInfo>;

/** So many output channels (axis 0), input channels of a group (1) or taps a side (2, 3) has a layer's weight; 1 where there is none. */
export const extent = (tensors: Tensors, layer: string, axis = 0) => tensors.get(`${layer}.weight`)?.shape[axis] ?? 1;
