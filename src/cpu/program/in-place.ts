import type { Graph, Op, ValueId } from "../../graph/network.js";
import type { KindsWith } from "../../graph/op-table.js";

/**
 * Values that are written where an operation's other summand lies, or an activation's input, by output: what nothing reads any
 * more. Memory that was read for a sum is then in a cache when the sum is stored.
 */
export function inPlace(network: Graph): ReadonlyMap<ValueId, ValueId> {
  const lastRead = new Map<ValueId, Op>();
  for (const { ops } of network.stages) {
    for (const op of ops) for (const value of op.inputs) lastRead.set(value, op);
  }
  const places = new Map<ValueId, ValueId>();
  for (const stage of network.stages) {
    for (const op of stage.ops) {
      const place = placeOf(op);
      if (place === undefined || lastRead.get(place) !== op) continue;
      if (place === network.input || place === stage.output || !sameShape(network, place, op.output)) continue;
      places.set(op.output, place);
    }
  }
  return places;
}

/** An input whose elements are each read once, for the output's own. */
function placeOf(op: Op): ValueId | undefined {
  if (op.kind === "activation" || op.kind === "binary") return op.inputs[0];
  if (op.kind === "conv" || op.kind === "add") return op.inputs[1] === op.inputs[0] ? undefined : op.inputs[1];
  op.kind satisfies KindsWith<"summand", null>;
  return undefined;
}

function sameShape({ values }: Graph, one: ValueId, other: ValueId): boolean {
  const { height, width, channels } = values[one]!;
  const { height: otherHeight, width: otherWidth, channels: otherChannels } = values[other]!;
  const alike = !values[one]!.quantization === !values[other]!.quantization;
  return alike && height === otherHeight && width === otherWidth && channels === otherChannels;
}
