import { ModelFormatError } from "../errors.js";

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * The stored (uncompressed) entries of a zip archive by name, as views; with zip64, which PyTorch writes. An entry that is
 * compressed throws when it is asked for: PyTorch never compresses.
 */
export function readZip(bytes: Uint8Array, origin: string): Map<string, () => Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
  };
  const u16 = (at: number) =>
    at >= 0 && at + 2 <= bytes.length ? view.getUint16(at, true) : fail("its zip archive breaks off");
  const u32 = (at: number) =>
    at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : fail("its zip archive breaks off");
  const u64 = (at: number) => u32(at) + u32(at + 4) * 2 ** 32;

  let end = bytes.length - 22;
  const earliest = Math.max(0, end - 65535);
  while (end >= earliest && u32(end) !== END) end--;
  if (end < earliest) fail("its zip archive has no directory");
  let count = u16(end + 10);
  let directory = u32(end + 16);
  if (end >= 20 && u32(end - 20) === LOCATOR_64) {
    const end64 = u64(end - 12);
    if (u32(end64) !== END_64) fail("its zip64 directory is not where it should be");
    count = u64(end64 + 32);
    directory = u64(end64 + 48);
  }
  const entries = new Map<string, () => Uint8Array>();
  const decoder = new TextDecoder();
  let at = directory;
  for (let index = 0; index < count; index++) {
    if (u32(at) !== ENTRY) fail("its zip directory is damaged");
    const method = u16(at + 10);
    let size = u32(at + 24);
    let local = u32(at + 42);
    const nameLength = u16(at + 28);
    const extraLength = u16(at + 30);
    const nameAt = at + 46;
    const name = decoder.decode(bytes.subarray(nameAt, nameAt + nameLength));
    // Zip64: the fields that are all ones stand in an extra field, in this order.
    let extra = nameAt + nameLength;
    const extraEnd = extra + extraLength;
    while (extra + 4 <= extraEnd) {
      const length = u16(extra + 2);
      if (u16(extra) === 1) {
        let field = extra + 4;
        if (size === 0xffffffff) {
          size = u64(field);
          field += 8;
        }
        if (u32(at + 20) === 0xffffffff) field += 8;
        if (local === 0xffffffff) local = u64(field);
      }
      extra += 4 + length;
    }
    at = extraEnd + u16(at + 32);
    entries.set(name, () => {
      if (method !== 0) fail(`its entry ${name} is compressed; save it again with torch.save`);
      if (u32(local) !== LOCAL) fail(`its entry ${name} is not where the directory says`);
      const start = local + 30 + u16(local + 26) + u16(local + 28);
      if (start + size > bytes.length) fail(`its entry ${name} breaks off`);
      return bytes.subarray(start, start + size);
    });
  }
  return entries;
}
