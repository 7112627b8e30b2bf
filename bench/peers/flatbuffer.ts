/** A value that a table's field or a vector's slot points at. */
export type Node =
  | { readonly table: readonly Field[] }
  | { readonly tables: readonly Node[] }
  | { readonly ints: readonly number[] }
  | { readonly longs: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly bytes: Uint8Array }
  | { readonly text: string };

/** One field of a table, at its index in the schema; null: left out. */
export type Field = null | { readonly int: number } | { readonly byte: number } | Node;

/**
 * Writes a FlatBuffer: parents before their children, so that every offset points forward. Just enough of the format for a
 * TensorFlow Lite model; byte vectors begin at multiples of sixteen.
 */
export function writeFlatbuffer(root: Node, identifier: string): Uint8Array {
  const parts: Uint8Array[] = [];
  const patches: { part: Uint8Array; at: number; from: number; child: Node }[] = [];
  let end = 0;
  const append = (part: Uint8Array) => {
    const at = end;
    parts.push(part);
    end += part.length;
    return at;
  };
  const pad = (multiple: number, shift = 0) => {
    const rest = (end + shift) % multiple;
    if (rest) append(new Uint8Array(multiple - rest));
  };
  const later = (part: Uint8Array, at: number, start: number, child: Node) =>
    patches.push({ part, at, from: start + at, child });
  const view = (part: Uint8Array) => new DataView(part.buffer, part.byteOffset, part.length);

  const write = (node: Node): number => {
    if ("bytes" in node) {
      pad(16, 4);
      const length = new Uint8Array(4);
      view(length).setUint32(0, node.bytes.length, true);
      const at = append(length);
      append(node.bytes);
      return at;
    }
    if ("text" in node) {
      pad(4);
      const text = new TextEncoder().encode(node.text);
      const part = new Uint8Array(text.length + 5);
      view(part).setUint32(0, text.length, true);
      part.set(text, 4);
      return append(part);
    }
    if ("longs" in node) {
      pad(8, 4);
      const part = new Uint8Array(4 + 8 * node.longs.length);
      view(part).setUint32(0, node.longs.length, true);
      for (const [index, item] of node.longs.entries()) view(part).setBigInt64(4 + 8 * index, BigInt(item), true);
      return append(part);
    }
    if ("floats" in node) {
      pad(4);
      const part = new Uint8Array(4 + 4 * node.floats.length);
      view(part).setUint32(0, node.floats.length, true);
      for (const [index, item] of node.floats.entries()) view(part).setFloat32(4 + 4 * index, item, true);
      return append(part);
    }
    if ("ints" in node || "tables" in node) {
      pad(4);
      const items = "ints" in node ? node.ints : node.tables;
      const part = new Uint8Array(4 + 4 * items.length);
      view(part).setUint32(0, items.length, true);
      const start = append(part);
      for (const [index, item] of items.entries()) {
        if (typeof item === "number") view(part).setInt32(4 + 4 * index, item, true);
        else later(part, 4 + 4 * index, start, item);
      }
      return start;
    }
    const { table } = node;
    const vtable = new Uint8Array(4 + 2 * table.length);
    const present = table.filter((field) => field !== null).length;
    const body = new Uint8Array(4 + 4 * present);
    view(vtable).setUint16(0, vtable.length, true);
    view(vtable).setUint16(2, body.length, true);
    pad(4);
    const vtableAt = append(vtable);
    pad(4);
    const start = append(body);
    view(body).setInt32(0, start - vtableAt, true);
    let slot = 4;
    for (const [index, field] of table.entries()) {
      if (field === null) continue;
      view(vtable).setUint16(4 + 2 * index, slot, true);
      if ("int" in field) view(body).setInt32(slot, field.int, true);
      else if ("byte" in field) body[slot] = field.byte;
      else later(body, slot, start, field);
      slot += 4;
    }
    return start;
  };

  const head = new Uint8Array(8);
  head.set(new TextEncoder().encode(identifier), 4);
  append(head);
  later(head, 0, 0, root);
  for (const { part, at, from, child } of patches) view(part).setUint32(at, write(child) - from, true);
  const file = new Uint8Array(end);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
