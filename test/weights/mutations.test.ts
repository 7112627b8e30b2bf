import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ResnetEdgeError } from "../../src/errors.js";
import { elementCount } from "../../src/graph/tensor.js";
import { toFloat32 } from "../../src/weights/index.js";
import { generator } from "../random.js";
import { readWeights } from "./read.js";

const folder = new URL("../fixtures/weights/", import.meta.url);
const MUTATIONS = 800;
/** A mutated length must not buy much time: the whole file is a few kilobytes. */
const LIMIT_MS = 250;

describe.each(["types.safetensors", "plain.zip.pth", "views.zip.pth", "nested-model.legacy.pth", "views.legacy.pth"])(
  "%s",
  (name) => {
    test(`${MUTATIONS} mutations: read, or refused with a typed error`, async () => {
      const original = new Uint8Array(readFileSync(new URL(name, folder)));
      const random = generator(original.length);
      const below = (limit: number) => Math.floor(random() * limit);
      let refused = 0;
      for (let round = 0; round < MUTATIONS; round++) {
        const bytes = mutate(original, below);
        const start = performance.now();
        try {
          for (const tensor of (await readWeights(bytes, name)).tensors.values()) {
            const count = elementCount(tensor.shape);
            // A tensor that was accepted can be read: its strides stay within its bytes.
            if (count < 1e6) toFloat32(tensor);
          }
        } catch (error) {
          if (!(error instanceof ResnetEdgeError)) throw new Error(`mutation ${round}`, { cause: error });
          refused++;
        }
        expect(performance.now() - start, `mutation ${round}`).toBeLessThan(LIMIT_MS);
      }
      expect(refused).toBeGreaterThan(MUTATIONS / 20);
    });
  },
);

function mutate(original: Uint8Array, below: (limit: number) => number): Uint8Array {
  const bytes = original.slice();
  switch (below(5)) {
    case 0:
      for (let flips = 1 + below(4); flips > 0; flips--) bytes[below(bytes.length)]! ^= 1 << below(8);
      return bytes;
    case 1:
      for (let writes = 1 + below(8); writes > 0; writes--) bytes[below(bytes.length)] = below(256);
      return bytes;
    case 2: {
      const extreme = [0, 0xff, 0x7f, 0x80][below(4)]!;
      const at = below(bytes.length);
      return bytes.fill(extreme, at, at + 1 + below(8));
    }
    case 3: {
      const from = below(bytes.length);
      const length = 1 + below(64);
      bytes.copyWithin(below(bytes.length), from, from + length);
      return bytes;
    }
    default: {
      const at = below(bytes.length);
      const gone = 1 + below(32);
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + gone)]);
    }
  }
}
