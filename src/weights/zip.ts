import { ModelFormatError } from "../errors.js";
import { MAX_NAME, MAX_ZIP_ENTRIES } from "../limits.js";

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

export interface ZipEntry {
  /** 0: stored; 8: deflated. */
  readonly method: number;
  /** Bytes that it has when it is inflated. */
  readonly size: number;
  /** As they lie in the archive, a view. */
  bytes(): Uint8Array;
}

/**
 * The entries of a zip archive by name; with zip64, which PyTorch writes. What a file says of itself is compared where it is said twice,
 * and a name that occurs twice is refused: readers differ in which they take. Throws `ModelFormatError`.
 */
export function readZip(bytes: Uint8Array, origin: string): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what}. Save it again with torch.save.`);
  };
  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
  };
  const u16 = (at: number) =>
    at >= 0 && at + 2 <= bytes.length ? view.getUint16(at, true) : fail("its zip archive breaks off");
  const u32 = (at: number) =>
    at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : fail("its zip archive breaks off");
  const u64 = (at: number) => {
    const value = u32(at) + u32(at + 4) * 2 ** 32;
    return Number.isSafeInteger(value) ? value : fail("its zip archive has an offset beyond every file");
  };

  const end = findEnd(view, refuse) ?? fail("its zip archive has no directory");
  let count = u16(end + 10);
  let stated = u16(end + 8);
  let length = u32(end + 12);
  let directory = u32(end + 16);
  if (end >= 20 && u32(end - 20) === LOCATOR_64) {
    const end64 = u64(end - 12);
    if (u32(end64) !== END_64) fail("its zip64 directory is not where it should be");
    stated = u64(end64 + 24);
    count = u64(end64 + 32);
    length = u64(end64 + 40);
    directory = u64(end64 + 48);
  }
  if (stated !== count) fail("its zip archive states two numbers of entries");
  if (count > MAX_ZIP_ENTRIES) {
    throw new ModelFormatError(`${origin}: its zip archive has ${count} entries; at most ${MAX_ZIP_ENTRIES} are read.`);
  }
  const entries = new Map<string, ZipEntry>();
  const decoder = new TextDecoder();
  let at = directory;
  for (let index = 0; index < count; index++) {
    if (u32(at) !== ENTRY) fail("its zip directory is damaged");
    const flags = u16(at + 8);
    const method = u16(at + 10);
    let packed = u32(at + 20);
    let size = u32(at + 24);
    let local = u32(at + 42);
    const nameLength = u16(at + 28);
    const extraLength = u16(at + 30);
    const nameAt = at + 46;
    if (nameLength > MAX_NAME) fail(`an entry of its zip archive has a name of ${nameLength} bytes`);
    const name = decoder.decode(bytes.subarray(nameAt, nameAt + nameLength));
    // Zip64: the fields that are all ones stand in an extra field, in this order.
    let extra = nameAt + nameLength;
    const extraEnd = extra + extraLength;
    while (extra + 4 <= extraEnd) {
      const extraSize = u16(extra + 2);
      if (u16(extra) === 1) {
        let field = extra + 4;
        if (size === 0xffffffff) {
          size = u64(field);
          field += 8;
        }
        if (packed === 0xffffffff) {
          packed = u64(field);
          field += 8;
        }
        if (local === 0xffffffff) local = u64(field);
      }
      extra += 4 + extraSize;
    }
    at = extraEnd + u16(at + 32);
    if (entries.has(name)) refuse(`its zip archive has ${name.slice(0, 200)} twice`);
    const read = () => {
      const what = `its entry ${name.slice(0, 200)}`;
      if (flags & 1 || (method !== 0 && method !== 8))
        refuse(`${what} is encrypted, or compressed in a way other than deflate`);
      if (method === 0 && packed !== size) fail(`${what} has two sizes`);
      if (u32(local) !== LOCAL) fail(`${what} is not where the directory says`);
      const start = local + 30 + u16(local + 26) + u16(local + 28);
      const named = bytes.subarray(local + 30, local + 30 + u16(local + 26));
      if (named.length !== nameLength || named.some((byte, index) => byte !== bytes[nameAt + index])) {
        fail(`${what} has another name where it lies`);
      }
      if (start + packed > bytes.length) fail(`${what} breaks off`);
      return bytes.subarray(start, start + packed);
    };
    entries.set(name, { method, size, bytes: read });
  }
  if (at !== directory + length) fail("its zip directory has another length than it states");
  return entries;
}

/**
 * The record that ends an archive; what follows it is a comment of the length that it states. A comment that holds such a record once
 * more would make two archives of one file.
 */
function findEnd(view: DataView, refuse: (what: string) => never): number | null {
  const last = view.byteLength - 22;
  let found: number | null = null;
  for (let at = last; at >= Math.max(0, last - 65535); at--) {
    if (view.getUint32(at, true) !== END || at + 22 + view.getUint16(at + 20, true) !== view.byteLength) continue;
    if (found !== null) refuse("its zip archive ends twice");
    found = at;
  }
  return found;
}
