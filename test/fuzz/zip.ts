import { deflateRawSync } from "node:zlib";
import { edges, type Random } from "./random.js";

export interface Part {
  name: string;
  bytes: Uint8Array;
  deflated?: boolean;
}

/** Fields that may be written otherwise than they are. */
interface Lies {
  readonly random: Random;
  /** How many of all fields lie. */
  readonly share: number;
}

/** A zip archive, with zip64 records on request; `lies` spoils fields. */
export function writeZip(
  parts: readonly Part[],
  { zip64 = false, comment = "", lies }: { zip64?: boolean; comment?: string; lies?: Lies } = {},
): Uint8Array {
  const out: number[] = [];
  const field = (value: number, size: number) => {
    const said = lies?.random.chance(lies.share) ? lies.random.of(edges) : value;
    let left = BigInt.asUintN(8 * size, BigInt(Math.trunc(said)));
    for (let index = 0; index < size; index++) {
      out.push(Number(left & 255n));
      left >>= 8n;
    }
  };
  const put = (bytes: ArrayLike<number>) => {
    for (let index = 0; index < bytes.length; index++) out.push(bytes[index]!);
  };
  const encoder = new TextEncoder();
  const placed = parts.map(({ name, bytes, deflated }) => {
    const at = out.length;
    const named = encoder.encode(name);
    const packed = deflated ? deflateRawSync(bytes) : bytes;
    field(0x04034b50, 4);
    for (const value of [20, 0, deflated ? 8 : 0, 0, 0]) field(value, 2);
    for (const value of [0, packed.length, bytes.length]) field(value, 4);
    field(named.length, 2);
    field(0, 2);
    put(named);
    put(packed);
    return { at, named, packed: packed.length, size: bytes.length, method: deflated ? 8 : 0 };
  });
  const directory = out.length;
  for (const { at, named, packed, size, method } of placed) {
    field(0x02014b50, 4);
    for (const value of [20, 20, 0, method, 0, 0]) field(value, 2);
    for (const value of [0, zip64 ? 0xffffffff : packed, zip64 ? 0xffffffff : size]) field(value, 4);
    for (const value of [named.length, zip64 ? 28 : 0, 0, 0, 0]) field(value, 2);
    for (const value of [0, zip64 ? 0xffffffff : at]) field(value, 4);
    put(named);
    if (!zip64) continue;
    for (const value of [1, 24]) field(value, 2);
    for (const value of [size, packed, at]) field(value, 8);
  }
  const end = out.length;
  if (zip64) {
    field(0x06064b50, 4);
    field(44, 8);
    for (const value of [45, 45]) field(value, 2);
    for (const value of [0, 0]) field(value, 4);
    for (const value of [parts.length, parts.length, end - directory, directory]) field(value, 8);
    field(0x07064b50, 4);
    field(0, 4);
    field(end, 8);
    field(1, 4);
  }
  field(0x06054b50, 4);
  for (const value of [0, 0, parts.length, parts.length]) field(value, 2);
  for (const value of [end - directory, directory]) field(value, 4);
  const said = encoder.encode(comment);
  field(said.length, 2);
  put(said);
  return Uint8Array.from(out);
}

export function anyZip(random: Random): Uint8Array {
  const names = ["a/data.pkl", "a/data/0", "a/data/1", "a/byteorder", "../x", "a/", "", "data.pkl", "é"];
  const parts: Part[] = Array.from({ length: random.below(6) }, () => ({
    name: random.of(names),
    bytes: Uint8Array.from({ length: random.below(random.chance(0.1) ? 3000 : 60) }, () =>
      random.below(random.of([2, 256])),
    ),
    deflated: random.chance(0.3),
  }));
  const comment = random.chance(0.2) ? random.of(["hello", "PK\u0005\u0006".padEnd(22, "\0"), "x".repeat(300)]) : "";
  const share = random.of([0, 0.01, 0.05]);
  return writeZip(parts, { zip64: random.chance(0.3), comment, lies: { random, share } });
}
