import { ModelFormatError } from "../errors.js";
import { MAX_SHARDS } from "../limits.js";
import type { Header } from "./safetensors.js";

/** A file with a part of a model's weights. */
export interface Shard {
  /** For messages. */
  readonly origin: string;
  readonly header: Header;
}

/**
 * Reads the index of a model in several safetensors files: which tensors each file has, by the file's name. Throws `ModelFormatError`
 * for names that lead out of the index's folder.
 */
export function readIndex(index: unknown, origin: string): Map<string, Set<string>> {
  const map = typeof index === "object" && index !== null ? (index as { weight_map?: unknown }).weight_map : null;
  if (typeof map !== "object" || map === null) {
    throw new ModelFormatError(`${origin} has no weight_map from tensors to files; give the weights file itself.`);
  }
  const files = new Map<string, Set<string>>();
  for (const [tensor, name] of Object.entries(map)) {
    if (typeof name !== "string" || !/^[\w-][\w.-]{0,200}$/.test(name)) {
      throw new ModelFormatError(`${origin} puts "${tensor.slice(0, 200)}" into a file that is not beside it by name.`);
    }
    if (!name.endsWith(".safetensors")) {
      throw new ModelFormatError(`${origin} lists ${name}; only weights in .safetensors files can be in several.`);
    }
    const tensors = files.get(name);
    if (tensors) tensors.add(tensor);
    else files.set(name, new Set([tensor]));
    if (files.size > MAX_SHARDS) throw new ModelFormatError(`${origin} lists more than ${MAX_SHARDS} files.`);
  }
  if (files.size === 0) throw new ModelFormatError(`${origin} lists no tensors.`);
  return files;
}

/** Throws `ModelFormatError` where a file has other tensors than the index says. */
export function checkShard({ origin, header }: Shard, listed: ReadonlySet<string>): void {
  for (const name of listed) {
    if (header.tensors.has(name)) continue;
    throw new ModelFormatError(
      `${origin} has no "${name.slice(0, 200)}", which the index says it has. Download both again.`,
    );
  }
  for (const name of header.tensors.keys()) {
    if (listed.has(name)) continue;
    throw new ModelFormatError(
      `${origin} has "${name.slice(0, 200)}", which the index does not list. Download both again.`,
    );
  }
}

/** One safetensors file of several: the beginning of it, and where the values of each go, one behind the other. */
export function joinShards(shards: readonly Shard[]): { head: Uint8Array; places: number[]; length: number } {
  const metadata = new Map<string, string>();
  const entries: [string, unknown][] = [];
  const offsets: number[] = [];
  let end = 0;
  for (const { header } of shards) {
    for (const [key, value] of header.metadata) if (!metadata.has(key)) metadata.set(key, value);
    for (const [name, { dtype, shape, begin, end: last }] of header.tensors) {
      entries.push([name, { dtype: dtype.toUpperCase(), shape, data_offsets: [end + begin, end + last] }]);
    }
    offsets.push(end);
    end += header.valuesLength;
  }
  const header = Object.fromEntries([["__metadata__", Object.fromEntries(metadata)], ...entries]);
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Values begin at a multiple of eight bytes, so that none has to be moved to be read.
  const length = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(text, 8);
  return { head, places: offsets.map((offset) => head.length + offset), length: head.length + end };
}
