import type { Node, ValueInfo } from "../proto.js";

/** The nodes that an output depends on, in their order. */
export function needed(nodes: readonly Node[], outputs: readonly ValueInfo[]): Node[] {
  const wanted = new Set(outputs.map(({ name }) => name));
  const kept: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    kept.push(node);
    for (const name of node.read) wanted.add(name);
  }
  return kept.reverse();
}
