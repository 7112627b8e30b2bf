import type { Network, Vector, Weight } from "../../src/graph/network.js";
import { withScales } from "../../src/graph/quantization.js";
import { elementCount } from "../../src/graph/tensor.js";
import { mapLayers } from "../../src/quantize/layers.js";

/** Each row's largest value to 127: what any quantiser does at least. */
export function integerWeight(weight: Weight): Weight {
  const rows = weight.shape[0]!;
  const length = elementCount(weight.shape.slice(1));
  const all = new Float32Array(rows * length);
  weight.read(0, rows, all);
  const scales = new Float64Array(rows);
  const integers = Int8Array.from(all, (value, at) => {
    const row = Math.floor(at / length);
    scales[row] ||= Math.fround(
      all.subarray(row * length, (row + 1) * length).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9) / 127,
    );
    return Math.max(-127, Math.min(127, Math.round(value / scales[row]!)));
  });
  return integersOf(weight.shape, integers, scales);
}

/** A weight of these integers, [O, ...]. */
export function integersOf(shape: readonly number[], integers: Int8Array, scales: Float64Array): Weight {
  const length = elementCount(shape.slice(1));
  const vector: Vector = { length: scales.length, read: () => scales };
  return {
    shape,
    read: (begin, end, target) => {
      for (let at = begin * length; at < end * length; at++)
        target[at - begin * length] = integers[at]! * scales[Math.floor(at / length)]!;
    },
    int8: { scales: vector, read: (begin, end, target) => target.set(integers.subarray(begin * length, end * length)) },
  };
}

/** A network of integers from one of f32: the stem stays, every other weight is rounded, and so is every value, up to `largest`. */
export function inIntegers(network: Network, largest: number): Network {
  const rounded = mapLayers(network, (layer) =>
    layer.inputs[0] === network.input ? layer : { ...layer, weight: integerWeight(layer.weight) },
  );
  return withScales(rounded, () => Math.fround(largest / 127));
}
