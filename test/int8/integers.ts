import type { Network, Op, Quantization, ValueShape, Vector, Weight } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";

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

/**
 * A network of integers from one of f32: the stem stays, every other weight is rounded. `scaleOf`: the largest value that a layer's
 * output takes, by the value's number.
 */
export function inIntegers(network: Network, largestOf: (value: number) => number): Network {
  const quantizations = new Map<number, Quantization>();
  const ops = network.stages.flatMap((stage) => stage.ops);
  for (const op of ops) {
    const before = quantizations.get(op.inputs[0]);
    if (op.kind === "conv" || op.kind === "add") {
      quantizations.set(op.output, { type: op.relu ? "u7" : "s8", scale: Math.fround(largestOf(op.output) / 127) });
    } else if ((op.kind === "maxPool" || op.kind === "zeroPadShortcut") && before) quantizations.set(op.output, before);
    else if (op.kind === "globalAveragePool" && before) {
      quantizations.set(op.output, { type: "s16", scale: before.scale / 64 });
    }
  }
  const values = network.values.map((shape, id): ValueShape => ({ ...shape, quantization: quantizations.get(id) }));
  const rounded = (op: Op): Op =>
    (op.kind === "conv" && op.inputs[0] !== network.input) || op.kind === "linear"
      ? { ...op, weight: integerWeight(op.weight) }
      : op;
  return { ...network, values, stages: network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(rounded) })) };
}
