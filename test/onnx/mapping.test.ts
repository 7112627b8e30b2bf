import { expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { checkStages } from "../../src/graph/stages.js";
import { readOther } from "../../src/model/onnx/index.js";
import { answersOf, type Case, convertedCases, error, found, nodeCases, report } from "./suite.js";

/** A case's answer by plain loops in f64; throws where it is refused. */
async function answer({ model, inputs }: Case): Promise<number[]> {
  const [[, first] = ["", new Float64Array(0)], ...others] = inputs;
  const state = await readOther(model, "the case", {});
  const network = state.build!({ inputs: Object.fromEntries(others) }) as Network;
  checkStages(network);
  return answersOf(network, first);
}

test.skipIf(!found).each([
  ["node", nodeCases],
  ["pytorch-converted", convertedCases],
])("cases of shared/data/onnx/%s are mapped to operations that compute them", async (_, casesOf) => {
  const verdicts = new Map<string, string | number>();
  for (const it of casesOf()) {
    const verdict = await answer(it).then(
      (values) => error(values, it.output),
      (cause: Error) => `${cause.name}: ${cause.message}`,
    );
    verdicts.set(it.name, verdict);
  }
  const { wrong, refused } = report(verdicts);
  expect(wrong).toEqual({});
  expect(refused).toEqual([]);
});
