import { expect, test } from "vitest";
import { ModelFormatError } from "../../src/errors.js";
import { contiguousStrides, elementCount, type StateDict, type Tensor } from "../../src/graph/tensor.js";
import { buildNetwork } from "../../src/model/index.js";
import { toFloat32 } from "../../src/weights/index.js";
import { engineFor } from "../cpu/engine.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";

// docs/extending.md's third recipe: a reader from bytes to a state dict, and what follows from there.

const SIGNATURE = "tensors 1\n";
const MAX_LINE = 1000;

/** Whether bytes are of this format: its first line. */
function isPlain(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, SIGNATURE.length)) === SIGNATURE;
}

/** Reads "name extent extent ...\n" and the values' bytes, f32, tensor after tensor. */
function readPlain(bytes: Uint8Array, origin: string): StateDict {
  const tensors = new Map<string, Tensor>();
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const length = bytes.subarray(at, at + MAX_LINE).indexOf(10);
    if (length < 0) throw new ModelFormatError(`${origin} has no end of line at byte ${at}.`);
    const [name, ...extents] = new TextDecoder().decode(bytes.subarray(at, at + length)).split(" ");
    const shape = extents.map(Number);
    const begin = at + length + 1;
    const end = begin + 4 * elementCount(shape);
    if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || !(end <= bytes.length)) {
      throw new ModelFormatError(`${origin} states a shape for ${name} that its bytes do not fill.`);
    }
    tensors.set(name!, {
      name: name!,
      dtype: "f32",
      shape,
      strides: contiguousStrides(shape),
      bytes: bytes.slice(begin, end),
    });
    at = end;
  }
  return { format: "safetensors", tensors, metadata: new Map() };
}

function writePlain(state: StateDict): Uint8Array {
  const parts = [...state.tensors.values()]
    .filter(({ name }) => !name.endsWith("num_batches_tracked"))
    .flatMap((tensor) => [
      Buffer.from(`${[tensor.name, ...tensor.shape].join(" ")}\n`),
      Buffer.from(Uint8Array.from(new Uint8Array(toFloat32(tensor).buffer))),
    ]);
  return Buffer.concat([Buffer.from(SIGNATURE), ...parts]);
}

const { name, size, input, logits } = networkFixtures.find((it) => it.name === "basic")!;
const file = writePlain(fixtureState(name));

test("a network read by a reader of one's own gives PyTorch's logits", async () => {
  expect(isPlain(file)).toBe(true);
  const engine = await engineFor(buildNetwork(readPlain(file, "the file"), { inputSize: size }));
  const got = await engine.run(0, engine.network.stages.length - 1, input);
  const largest = Math.max(...logits.map(Math.abs));
  for (const [at, value] of logits.entries()) expect(Math.abs(got[at]! - value) / largest).toBeLessThan(1e-5);
  await engine.close();
});

test.each([1, 5000, file.length - 1])("a file that ends after %i bytes is refused by a typed error", (length) => {
  const cut = file.subarray(0, Math.max(length, SIGNATURE.length + 3));
  expect(() => readPlain(cut, "the file")).toThrow(ModelFormatError);
});
