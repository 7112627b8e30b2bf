import { contiguousStrides, elementCount } from "../../../graph/tensor.js";
import { type Constant, numbersOf, type Work } from "../constants.js";
import type { Inputs } from "../fold.js";
import type { Node } from "../proto.js";
import { bad } from "../shapes.js";

/**
 * `BatchNormalization` of a constant [N, C, ...]. In training mode the statistics are the constant's own: exporters write a
 * convolution's standardised weights so.
 */
export function standardized(node: Node, x: Constant, vectors: Inputs, work: Work): Constant {
  const { shape } = x;
  const channels = shape[1] ?? 1;
  const inner = elementCount(shape.slice(2));
  const isOwn = node.integer("training_mode", 0) === 1;
  const [scale, bias, mean, variance] = (isOwn ? [0, 1] : [0, 1, 2, 3]).map((index) => {
    const vector = vectors[index] && numbersOf(vectors[index], work);
    if (vector?.length !== channels) throw bad(node, `has ${vector?.length ?? 0} values for ${channels} channels`);
    return vector;
  }) as [Float64Array, Float64Array, Float64Array?, Float64Array?];
  const values = numbersOf(x, work);
  const epsilon = node.float("epsilon", 1e-5);
  // f32: weights are many, and what is computed otherwise takes twice as much.
  const results = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++) {
    const each = (visit: (value: number, at: number) => void) => {
      for (let from = channel * inner; from < values.length; from += channels * inner)
        for (let at = from; at < from + inner; at++) visit(values[at]!, at);
    };
    const averaged = (of: (value: number) => number) => {
      let sum = 0;
      each((value) => {
        sum += of(value);
      });
      return (sum * channels) / values.length;
    };
    const center = mean ? mean[channel]! : averaged((value) => value);
    const spread = variance ? variance[channel]! : averaged((value) => (value - center) ** 2);
    const factor = scale[channel]! / Math.sqrt(spread + epsilon);
    each((value, at) => {
      results[at] = (value - center) * factor + bias[channel]!;
    });
  }
  const bytes = new Uint8Array(results.buffer);
  return { name: "", type: x.type, shape, dtype: "f32", strides: contiguousStrides(shape), bytes };
}
