import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.js";
import { Body, streamReader } from "../../src/source/body.js";
import { openSource } from "../../src/source/open.js";
import { toFloat32 } from "../../src/weights/index.js";
import { Delivery } from "./pieces.js";
import { openWeights, readWeights } from "./read.js";

/** A sound file of one tensor, whose header is padded with spaces to `length` bytes. */
function file(length: number): Uint8Array {
  const text = JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }).padEnd(length);
  const bytes = new Uint8Array(8 + length + 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(text), 8);
  view.setFloat32(8 + length, 1.5, true);
  view.setFloat32(12 + length, -2, true);
  return bytes;
}

async function check(state: Awaited<ReturnType<typeof openWeights>>) {
  await state.arrival?.finished();
  expect(state.format).toBe("safetensors");
  expect([...toFloat32(state.tensors.get("w")!)]).toEqual([1.5, -2]);
}

describe("a safetensors file is told by its structure", () => {
  const lengths = Array.from({ length: 512 }, (_, index) => 8 * (index + 1)).filter((length) => length >= 56);

  test("header lengths to 4096 in steps of 8", async () => {
    for (const length of lengths) {
      await check(await readWeights(file(length), `${length}`));
      await check(await openWeights(new Delivery(file(length), 7).body()));
    }
    // Too short for a tensor.
    for (let length = 8; length < 56; length += 8) {
      const bytes = new Uint8Array(8 + length).fill(0x20);
      bytes.set([length, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
      expect((await readWeights(bytes, `${length}`)).tensors.size).toBe(0);
    }
  });

  test("all 256 first bytes, in memory, on its way, as a Blob and as a Response", async () => {
    for (let first = 0; first < 256; first++) {
      const bytes = file(0x100 + first);
      expect(bytes[0]).toBe(first);
      await check(await readWeights(bytes, `${first}`));
      await check(await openWeights(new Delivery(bytes, 1000).body()));
      const stated = { headers: { "content-length": `${bytes.length}` } };
      for (const source of [
        new Blob([bytes as BlobPart]),
        new Response(bytes as BodyInit, stated),
        new Response(bytes as BodyInit),
      ]) {
        const opened = await openSource(nodeHost, source, {});
        await check(await ("body" in opened ? openWeights(opened.body) : readWeights(opened.bytes, "x")));
      }
    }
  });

  test("the beginnings of pickles of every protocol, as a length's first two bytes", async () => {
    for (const second of [0, 2, 3, 4, 5, 0x4b]) {
      for (const first of [0x28, 0x50, 0x63, 0x80]) {
        if (256 * second + first >= 56) await check(await readWeights(file(256 * second + first), "x"));
      }
    }
  });

  test("cut off, it is said to be cut off, whatever it begins with", async () => {
    for (let first = 0; first < 256; first++) {
      const bytes = file(0x100 + first).subarray(0, 200);
      await expect(readWeights(bytes, "x")).rejects.toThrow(/its header of \d+ bytes does not fit/);
      const body = new Body("x", bytes.length, streamReader(new Blob([bytes as BlobPart]).stream()), {});
      await expect(openWeights(body)).rejects.toThrow(/does not fit/);
    }
  });
});
