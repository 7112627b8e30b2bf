import { describe, expect, test } from "vitest";
import { runReference } from "../model/reference.js";
import { engineFor, modules } from "./engine.js";
import { dense, imageReaders, readerNetwork } from "./image-readers.js";
import { values } from "./one-operation.js";

/** The image comes in planes, and the last stage's output goes out whole and without padding, whatever the operation. */
describe.each(modules)("the image is read, on %s,", (simd) => {
  test.each(imageReaders)("by $kind", async (op) => {
    const network = readerNetwork(op);
    const { channels, height, width } = network.values[0]!;
    const x = values(channels * height * width);
    const engine = await engineFor(network, { simd });
    const got = await engine.run(0, 0, x);
    const expected = dense(runReference(network, x), network.values[1]!);
    expect(got).toHaveLength(expected.length);
    for (const [at, value] of expected.entries()) expect(got[at], `value ${at}`).toBeCloseTo(value, 5);
    await engine.close();
  });
});
