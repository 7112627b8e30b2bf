import { readdirSync, readFileSync } from "node:fs";
import { damage, edges, type Random } from "./random.js";

const SIGNATURE = 8;

interface Chunk {
  name: string;
  data: Uint8Array;
}

export function pngSeeds(folder: URL): Uint8Array[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".png"));
  return names.sort().map((name) => new Uint8Array(readFileSync(new URL(name, folder))));
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ name, data: bytes.slice(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

function write(signature: Uint8Array, chunks: readonly Chunk[]): Uint8Array {
  const length = chunks.reduce((sum, { data }) => sum + 12 + data.length, SIGNATURE);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(signature);
  let at = SIGNATURE;
  for (const { name, data } of chunks) {
    view.setUint32(at, data.length);
    for (let index = 0; index < 4; index++) bytes[at + 4 + index] = name.charCodeAt(index);
    bytes.set(data, at + 8);
    view.setUint32(at + 8 + data.length, checksum(bytes.subarray(at + 4, at + 8 + data.length)));
    at += 12 + data.length;
  }
  return bytes;
}

/** A picture whose chunks were changed, with checksums that fit. */
export function anyPng(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  const seed = random.of(seeds);
  if (random.chance(0.2)) return damage(seed, random);
  const chunks = chunksOf(seed);
  for (let changes = 1 + random.below(3); changes > 0 && chunks.length > 0; changes--) {
    const at = random.below(chunks.length);
    const chunk = chunks[at]!;
    switch (random.below(6)) {
      case 0:
        chunks.splice(at, 1);
        break;
      case 1:
        chunks.splice(random.below(chunks.length), 0, { ...chunk });
        break;
      case 2:
        chunk.data = damage(chunk.data, random);
        break;
      case 3:
        chunk.name = random.of([
          "IHDR",
          "PLTE",
          "IDAT",
          "IEND",
          "tRNS",
          "iCCP",
          "gAMA",
          "cHRM",
          "eXIf",
          "acTL",
          "zTXt",
        ]);
        break;
      case 4: {
        const first = chunks[0]!;
        if (first.data.length < 13) break;
        const view = new DataView(first.data.buffer, first.data.byteOffset);
        if (random.chance(0.5)) view.setUint32(random.of([0, 4]), Math.max(0, random.of(edges)) >>> 0);
        else first.data[8 + random.below(5)] = random.below(17);
        break;
      }
      default:
        chunks.push({ name: "IDAT", data: Uint8Array.from({ length: random.below(50) }, () => random.below(256)) });
    }
  }
  return write(seed.subarray(0, SIGNATURE), chunks);
}
