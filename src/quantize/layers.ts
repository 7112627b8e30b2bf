import type { ConvOp, LinearOp, Network, Op } from "../graph/network.js";

export type Layer = ConvOp | LinearOp;

const isLayer = (op: Op): op is Layer => op.kind === "conv" || op.kind === "linear";

export const layersOf = (network: Network): Layer[] => network.stages.flatMap(({ ops }) => ops).filter(isLayer);

/** The network with other layers in the places of its own. */
export function mapLayers(network: Network, change: (layer: Layer) => Layer): Network {
  const changed = (op: Op) => (isLayer(op) ? change(op) : op);
  return { ...network, stages: network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(changed) })) };
}
