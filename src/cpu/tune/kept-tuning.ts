import { engineName, kernelsVersion } from "../../base/version.js";
import { graphKey } from "../../graph/graph-key.js";
import { opMacs } from "../../graph/macs.js";
import type { ConvOp, Graph } from "../../graph/network.js";
import type { Store } from "../../host/store.js";
import { contenders, shapeOf } from "../choose/choose.js";
import type { Variant } from "../module.js";
import type { CompileOptions } from "../program/program.js";
import { type TileName, tiles } from "../program/tiles.js";

/** A network of fewer multiply-accumulates is not worth the time that measuring takes. */
const LEAST_NETWORK_MACS = 100e6;

/** What was measured on this machine, in this engine, for a network: kept, so that a second load measures nothing. */
export interface Tuning {
  readonly tile: TileName;
  /** Names of kernels, by shape. */
  readonly kernels: Readonly<Record<string, string>>;
}

/** Whether a network is so small that a load does not wait for measurements. */
export function isSmall(network: Graph): boolean {
  const macs = convolutions(network).reduce((sum, op) => sum + opMacs(op, network.values[op.output]!), 0);
  return macs < LEAST_NETWORK_MACS;
}

/** An earlier load's measurements; for small networks the tables' own choices. Null where there is something to measure. */
export async function keptTuning(
  network: Graph,
  options: CompileOptions,
  variant: Variant,
  tile: TileName | null,
  store: Store | undefined,
): Promise<Tuning | null> {
  if (isSmall(network)) return { tile: tile ?? "4x8", kernels: {} };
  return check(await store?.get(keyOf(network, options, variant, tile)).catch(() => null), network, options);
}

/** Everything that a measurement depends on; the weights' values are not among it. */
export function keyOf(network: Graph, options: CompileOptions, variant: Variant, tile: TileName | null): string {
  const { memory, convolution, threads } = options;
  const graph = graphKey(network);
  return JSON.stringify(["kernels", kernelsVersion, engineName(), variant, memory, convolution, threads, tile, graph]);
}

/** What was kept, where it is whole and names nothing but contenders. */
function check(text: string | null | undefined, network: Graph, options: CompileOptions): Tuning | null {
  try {
    const kept = JSON.parse(text ?? "null") as Tuning | null;
    if (!kept || !(kept.tile in tiles)) return null;
    const shapes = new Map(convolutions(network).map((op) => [shapeOf(op, network), op]));
    const fits = Object.entries(kept.kernels).every(([shape, kernel]) => {
      const op = shapes.get(shape);
      return op && contenders(op, network, options).some(({ name }) => name === kernel);
    });
    return fits ? kept : null;
  } catch {
    return null;
  }
}

/** All but the one that reads the image. */
export function convolutions(network: Graph): ConvOp[] {
  return network.stages.flatMap((stage) =>
    stage.ops.filter((op): op is ConvOp => op.kind === "conv" && op.inputs[0] !== network.input),
  );
}
