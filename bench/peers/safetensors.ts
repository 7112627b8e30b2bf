import type { Network } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";

/** A network's folded weights as a safetensors file of torchvision's names: what a user of the library would have. */
export function toSafetensors(network: Network): Uint8Array {
  const header: Record<string, unknown> = {};
  const parts: { at: number; fill: (target: Float32Array) => void; length: number }[] = [];
  let end = 0;
  const add = (name: string, shape: readonly number[], fill: (target: Float32Array) => void) => {
    const length = elementCount(shape);
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + 4 * length] };
    parts.push({ at: end, fill, length });
    end += 4 * length;
  };
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    if (op.kind !== "conv" && op.kind !== "linear") continue;
    const { name, weight, bias } = op;
    add(`${name}.weight`, weight.shape, (target) => weight.read(0, weight.shape[0]!, target));
    if (bias) add(`${name}.bias`, [bias.length], (target) => target.set(bias.read()));
  }
  const text = JSON.stringify(header);
  const head = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + head.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  for (const { at, fill, length } of parts) fill(new Float32Array(file.buffer, 8 + head.length + at, length));
  return file;
}
