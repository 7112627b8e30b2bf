import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { library, smallModel } from "../built.js";

/** The small model with one tensor's bytes changed. */
function withTensor(name: string, change: (bytes: Uint8Array) => void): Uint8Array {
  const file = new Uint8Array(readFileSync(smallModel));
  const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  const [from, to] = header[name].data_offsets;
  change(file.subarray(start + from, start + to));
  return file;
}

test.each([false, "auto"] as const)("a convolution of zeros is a doubt from the start (worker: %s)", async (worker) => {
  const file = withTensor("layer2.0.conv1.weight", (bytes) => bytes.fill(0));
  const classifier = await library.loadClassifier(file, { worker, device: "cpu", threads: 1 });
  expect(classifier.doubts).toEqual([expect.stringMatching(/Every weight of layer2\.0\.conv1 is zero/)]);
  await classifier.close();
});

test("NaN in a convolution is named at load, also of a file that arrives", async () => {
  // f16: sign, five bits of exponent, all set, and a fraction.
  const file = withTensor("layer2.0.conv1.weight", (bytes) => bytes.set([0xff, 0x7f], 20));
  const arriving = new Blob([file as Uint8Array<ArrayBuffer>]);
  for (const source of [file, arriving]) {
    const loaded = library.loadModel(source, { device: "cpu", threads: 1, worker: false });
    await expect(loaded).rejects.toThrow(/layer2\.0\.conv1\.weight\[\d+\] holds NaN or an infinity/);
  }
});
