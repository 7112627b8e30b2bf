import { afterAll, describe, expect, test } from "vitest";
import { decodeFile } from "../../src/image/decode-node.js";
import { buildNetwork } from "../../src/model/index.js";
import { library, root, smallModel } from "../built.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { runReferenceStages } from "../model/reference.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: features on a GPU, ${skip}`);

describe.skipIf(!gpu)("features on the GPU", () => {
  const open: { close(): Promise<void> }[] = [];
  afterAll(async () => {
    for (const it of open) await it.close();
  });

  test("every stage is that of plain loops, run there and not on the CPU", async () => {
    const { size, input } = networkFixtures.find(({ name }) => name === "basic")!;
    const network = buildNetwork(fixtureState("basic"), { inputSize: size });
    const expected = runReferenceStages(network, input);
    const model = await library.loadModel(smallModel, { device: "gpu", gpu: gpu!, inputSize: size });
    open.push(model);
    const onCpu = await library.loadModel(smallModel, { device: "cpu", inputSize: size });
    open.push(onCpu);
    let differs = 0;
    for (const [index, { name }] of network.stages.entries()) {
      const { values } = await model.run(input, { until: name });
      const most = Math.max(...expected[index]!.map(Math.abs));
      expect(values).toHaveLength(expected[index]!.length);
      for (const [at, value] of values.entries())
        expect(Math.abs(value - expected[index]![at]!) / most).toBeLessThan(1e-5);
      const other = (await onCpu.run(input, { until: name })).values;
      if (values.some((value, at) => value !== other[at])) differs++;
    }
    // Sums are added in another order there.
    expect(differs).toBeGreaterThan(0);
    expect(model.plan.stages.every(({ device }) => device === "gpu")).toBe(true);
  });

  test("a class's map and its bias make its logit; features are the CPU's", async () => {
    const photo = await decodeFile(new URL("examples/photos/cat.jpg", root).pathname);
    const classifier = await library.loadClassifier(smallModel, { device: "gpu", gpu: gpu!, inputSize: 33 });
    open.push(classifier);
    const map = await classifier.explain(photo, { index: 1 });
    const mean = map.values.reduce((sum, value) => sum + value, 0) / map.values.length;
    expect(Math.abs(mean + map.bias - map.logit)).toBeLessThan(1e-5 * Math.max(1, Math.abs(map.logit)));
    const onCpu = await library.loadClassifier(smallModel, { device: "cpu", inputSize: 33 });
    open.push(onCpu);
    const [one, other] = [await classifier.embed(photo), await onCpu.embed(photo)];
    const most = Math.max(...other.map(Math.abs));
    for (const [at, value] of one.entries()) expect(Math.abs(value - other[at]!) / most).toBeLessThan(1e-5);
  });
});
