import { expect, test } from "vitest";
import { Watch } from "../../src/check/watch.js";
import { preprocess } from "../../src/image/index.js";
import { defaultPreprocess } from "../../src/model/index.js";
import { engineFor } from "../cpu/engine.js";
import { calibrated, pictures } from "./fixture.js";

/** A ResNet-18 takes 22 ms on one core of 2025 (docs/benchmarks.md). */
const RESNET18_MS = 22;

test("after its pictures a watch costs under 1 % of a ResNet-18's time", async () => {
  const settings = defaultPreprocess(32, "3x3");
  const engine = await engineFor(calibrated());
  const watch = new Watch(engine, settings);
  let looked = 0;
  for (const picture of pictures.slice(0, 12)) {
    const look = watch.next();
    if (look) looked++;
    await look?.(preprocess(picture, settings));
  }
  expect(looked).toBe(8);
  const calls = 100_000;
  const start = performance.now();
  let more = 0;
  for (let call = 0; call < calls; call++) if (watch.next()) more++;
  expect((performance.now() - start) / calls).toBeLessThan(0.01 * RESNET18_MS);
  expect(more).toBe(0);
  await engine.close();
});
