import type { Architecture, Network } from "../graph/network.js";
import { isResidual } from "./residual.js";

/** What the file and, before it, the caller state of the structure; null where a well-known name states all of it. */
export function statedOf(
  file: Partial<Architecture>,
  caller: string | Partial<Architecture> | undefined,
): Partial<Architecture> | null {
  return typeof caller === "string" ? null : { ...file, ...caller };
}

/** Fields of `architecture` that are not stated, and that no weight's name or shape shows: with the values taken. */
export function assumedOf(network: Network, stated: Partial<Architecture> | null): Partial<Architecture> {
  if (!stated || !isResidual(network)) return network.assumed ?? {};
  const { block, stem, strideIn, shortcut, layers } = network.architecture;
  const small = stem === "3x3";
  // Either says what strides are, in other words.
  const plain = !(stated.firstStageStride ?? stated.replaceStrideWithDilation);
  // What does not apply is false.
  const taken: { readonly [Field in keyof Architecture]?: Architecture[Field] | false } = {
    strideIn: block === "bottleneck" && strideIn,
    shortcut: !shortcut.includes("projection") && shortcut,
    stemStride: small ? 1 : 2,
    maxPool: small ? "none" : { kernel: 3, stride: 2, padding: 1 },
    activation: "relu",
    activationAfterSum: true,
    stageStrides: plain && layers.map((_, stage) => (stage ? 2 : 1)),
    dilations: plain && layers.map(() => 1),
    antiAliasing: "none",
    globalPool: "average",
    residualScale: 1,
    epsilon: 1e-5,
  };
  const fields = Object.entries(taken) as [keyof Architecture, unknown][];
  const usual = Object.fromEntries(fields.filter(([field, value]) => value && stated[field] == null));
  return { ...usual, ...network.assumed };
}
