import type { Mapper } from "./mapper.js";
import type { Node } from "./proto.js";

/** onnxruntime's quantiser adds to it. */
const weightName = /^(.+)\.weight(_quantized)?$/;

/**
 * What an operation is called in reports: its weights' name ("layer1.0.conv1"), where the exporter kept it, else its node's, without what
 * PyTorch's exporter repeats of it ("/layer1/layer1.0/conv1/Conv").
 */
export function nameOf(node: Node, it: Mapper): string {
  for (const input of node.inputs.slice(1)) {
    const [, layer] = weightName.exec(it.constants.get(input)?.name ?? "") ?? [];
    if (layer) return layer;
  }
  const parts = node.name.split("/").filter(Boolean);
  // The last one is the operator's own.
  const own = parts.pop();
  if (own === undefined) return `${node.kind}_${node.index}`;
  const path = parts.reduce(joined, "");
  if (path === "") return node.name;
  return ["Conv", "Gemm", "BatchNormalization"].includes(node.kind) ? path : `${path}.${own}`;
}

/** "features.1" and "conv" are "features.1.conv"; "features.1" and "features.1.0" are "features.1.0". */
function joined(before: string, part: string): string {
  const words = before.split(".");
  const at = words.findIndex((_, index) => before !== "" && part.startsWith(`${words.slice(index).join(".")}.`));
  return [...(at < 0 ? words : words.slice(0, at)), part].filter(Boolean).join(".");
}
