import { inputsOf, summandOf } from "../../graph/inputs.js";
import type { Network, Op, ValueId } from "../../graph/network.js";

/**
 * Values that are written where an operation's other summand lies, or an activation's input, by output: what nothing reads any
 * more. Memory that was read for a sum is then in a cache when the sum is stored.
 */
export function inPlace(network: Network): ReadonlyMap<ValueId, ValueId> {
  const lastRead = new Map<ValueId, Op>();
  for (const { ops } of network.stages) {
    for (const op of ops) for (const value of inputsOf(op)) lastRead.set(value, op);
  }
  const places = new Map<ValueId, ValueId>();
  for (const stage of network.stages) {
    for (const op of stage.ops) {
      const place = op.kind === "activation" ? op.input : summandOf(op);
      if (place === null || (place === op.input && op.kind !== "activation") || lastRead.get(place) !== op) continue;
      if (place === network.input || place === stage.output || !sameShape(network, place, op.output)) continue;
      places.set(op.output, place);
    }
  }
  return places;
}

function sameShape({ values }: Network, one: ValueId, other: ValueId): boolean {
  const { height, width, channels } = values[one]!;
  const { height: otherHeight, width: otherWidth, channels: otherChannels } = values[other]!;
  return height === otherHeight && width === otherWidth && channels === otherChannels;
}
