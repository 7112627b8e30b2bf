import { opMacs } from "../graph/macs.js";
import type { Graph, Network, ValueShape } from "../graph/network.js";

export interface StageDescription {
  readonly name: string;
  /** Operations after fusion. */
  readonly ops: number;
  /** Learned elements, counted as torchvision does. */
  readonly parameters: number;
  /** Multiply-accumulates of convolutions and linear layers, by their definition, for one image. */
  readonly macs: number;
  readonly output: ValueShape;
}

export interface NetworkDescription {
  readonly architecture: Network["architecture"];
  readonly input: ValueShape;
  readonly stages: readonly StageDescription[];
  readonly ops: number;
  readonly parameters: number;
  readonly macs: number;
  readonly batchNorms: Network["batchNorms"];
}

/** What each stage costs, as plain data. */
export function describeStages({ stages, values }: Graph): StageDescription[] {
  return stages.map((stage) => ({
    name: stage.name,
    ops: stage.ops.length,
    parameters: stage.parameters ?? 0,
    macs: stage.ops.reduce((sum, op) => sum + opMacs(op, values[op.output]!), 0),
    output: values[stage.output]!,
  }));
}

/** A network as plain data: what it costs, stage by stage. Reads no weights. */
export function describeNetwork(network: Network): NetworkDescription {
  const stages = describeStages(network);
  const total = (field: "ops" | "macs") => stages.reduce((sum, stage) => sum + stage[field], 0);
  return {
    architecture: network.architecture,
    input: network.values[network.input]!,
    stages,
    ops: total("ops"),
    parameters: network.parameters,
    macs: total("macs"),
    batchNorms: network.batchNorms,
  };
}
