import type { ConvOp, Graph, Network, Op, Quantization, ValueId } from "./network.js";

/** The least and the greatest integer of each type. */
export const ranges = { u7: [0, 127], u8: [0, 255], s8: [-127, 127], s16: [0, 8128] } as const;

/** The integers that a convolution stores in a plain network. */
export const typeOf = (op: ConvOp, network: Pick<Network, "input">) =>
  op.relu ? (op.inputs[0] === network.input ? "u8" : "u7") : "s8";

/** Kinds that give integers of their input's scale, where they read integers. */
export const keepsScale = (op: Op) => op.kind === "maxPool" || op.kind === "zeroPadShortcut";

/**
 * Gives the values of a network their quantization. `scaleOf`: of what a convolution stores, or null where that is f32. Pools and
 * padded shortcuts keep their input's; the mean of a u7 value before integer weights is in 64ths of its steps. What reads the image leaves
 * u8: everything behind it depends on that value, and few layers read it. Of plain networks; `withScalesIn` (graph/stored.ts) is of any.
 */
export function withScales(network: Network, scaleOf: (op: ConvOp) => number | null): Network {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const readByIntegers = new Set<ValueId>();
  for (const op of ops) if (op.kind === "linear" && op.weight.int8) readByIntegers.add(op.inputs[0]);
  const quantizations = new Map<ValueId, Quantization>();
  for (const op of ops) {
    const before = quantizations.get(op.inputs[0]);
    if (op.kind === "conv") {
      const scale = scaleOf(op);
      if (scale !== null) quantizations.set(op.output, { type: typeOf(op, network), scale });
    } else if (before && keepsScale(op)) quantizations.set(op.output, before);
    else if (op.kind === "globalAveragePool" && before?.type === "u7" && readByIntegers.has(op.output)) {
      quantizations.set(op.output, { type: "s16", scale: before.scale / 64 });
    }
  }
  const values = network.values.map((shape, value) => ({ ...shape, quantization: quantizations.get(value) }));
  return { ...network, values };
}

/** The same network in f32: integers are read as the numbers that they stand for, and no value is rounded. */
export function inFloat<G extends Graph>(network: G): G {
  const plain = (op: Op): Op => ("weight" in op ? { ...op, weight: { ...op.weight, int8: undefined } } : op);
  return {
    ...network,
    values: network.values.map((shape) => ({ ...shape, quantization: undefined })),
    stages: network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(plain) })),
  };
}
