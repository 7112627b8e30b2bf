import { readFileSync } from "node:fs";
import type { StateDict, Tensor } from "../../src/graph/tensor.js";
import { smallModel } from "../built.js";
import { readWeights } from "../weights/read.js";
import { writeSafetensors } from "../weights/write-safetensors.js";

/** The small model's file with another head: its first `classes` rows, or none. `metadata`: as in a file of ours. */
export async function smallModelWith(classes: number, metadata: object = {}): Promise<Uint8Array> {
  const state = await readWeights(readFileSync(smallModel), "basic");
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of state.tensors) {
    if (!name.startsWith("fc.")) tensors.set(name, tensor);
    else if (classes > 0) tensors.set(name, { ...tensor, shape: [classes, ...tensor.shape.slice(1)] });
  }
  const changed = { ...state, tensors, metadata: new Map([["resnet-edge", JSON.stringify(metadata)]]) };
  return writeSafetensors(changed as StateDict<Tensor>, "f32");
}
