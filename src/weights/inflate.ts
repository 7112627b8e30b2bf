import { ModelFormatError } from "../errors.js";
import { maxInflated } from "../limits.js";
import { readZip } from "./zip.js";

/** A zip archive's entries by name, as far as `wanted`, inflated where they are compressed; what is stored stays a view. */
export async function readEntries(
  bytes: Uint8Array,
  origin: string,
  wanted: (names: readonly string[]) => (name: string) => boolean,
): Promise<Map<string, () => Uint8Array>> {
  const entries = readZip(bytes, origin);
  const isWanted = wanted([...entries.keys()]);
  const read = new Map<string, () => Uint8Array>();
  let left = maxInflated(bytes.length);
  for (const [name, entry] of entries) {
    if (!isWanted(name)) continue;
    if (entry.method !== 8) {
      read.set(name, entry.bytes);
      continue;
    }
    left -= entry.size;
    if (left < 0) {
      throw new ModelFormatError(
        `${origin}: its compressed entries would take more than ${maxInflated(bytes.length)} bytes. Save it again with torch.save.`,
      );
    }
    const inflated = await inflate(entry.bytes(), entry.size).catch(() => null);
    if (!inflated) {
      throw new ModelFormatError(
        `${origin}: its compressed entry ${name.slice(0, 200)} is damaged, or of another length than it says. Save it again with torch.save.`,
      );
    }
    read.set(name, () => inflated);
  }
  return read;
}

/** Throws where the bytes are no deflate stream of exactly `size` bytes. */
async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const bytes = new Uint8Array(size);
  let end = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (end + piece.value.length > size) {
      // Not awaited: Node's stream may never answer.
      reader.cancel().catch(() => {});
      throw new RangeError("The entry is longer than it says.");
    }
    bytes.set(piece.value, end);
    end += piece.value.length;
  }
  if (end !== size) throw new RangeError("The entry is shorter than it says.");
  return bytes;
}
