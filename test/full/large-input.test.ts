import { expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor } from "../cpu/engine.js";
import { runReferenceStages } from "../model/reference.js";

const SIZE = 6000;
const CROP = 128;

const stemOf = (inputSize: number): Network => {
  const network = pseudoRandomNetwork("resnet18", { inputSize });
  return { ...network, stages: network.stages.slice(0, 2) };
};

test("addresses beyond 2 GB: the last corner of a stem's map of 6,000 pixels", async () => {
  const input = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, at) => ((at * 7919) % 1009) / 1009 - 0.5);
  const engine = await engineFor(stemOf(SIZE));
  const map = await engine.run(0, 0, input);
  expect(map.byteOffset).toBeGreaterThan(2 ** 31);
  const crop = new Float32Array(3 * CROP * CROP);
  for (let line = 0; line < 3 * CROP; line++) {
    const from = (Math.floor(line / CROP) * SIZE + SIZE - CROP + (line % CROP)) * SIZE + SIZE - CROP;
    crop.set(input.subarray(from, from + CROP), line * CROP);
  }
  const expected = runReferenceStages(stemOf(CROP), crop)[0]!;
  const [side, cropSide] = [SIZE / 4, CROP / 4];
  let [largest, error] = [0, 0];
  for (const [at, value] of expected.entries()) {
    const [channel, y, x] = [Math.floor(at / cropSide ** 2), Math.floor(at / cropSide) % cropSide, at % cropSide];
    // The crop's own padding reaches so far.
    if (y < 3 || x < 3) continue;
    const pixel = (side - cropSide + y) * side + side - cropSide + x;
    error = Math.max(error, Math.abs(map[64 * pixel + channel]! - value));
    largest = Math.max(largest, Math.abs(value));
  }
  expect(error / largest).toBeLessThan(1e-5);
  await engine.close();
}, 600_000);
