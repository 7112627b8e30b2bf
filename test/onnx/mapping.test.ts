import { expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { checkStages } from "../../src/graph/stages.js";
import { elementCount } from "../../src/graph/tensor.js";
import { readOther } from "../../src/model/onnx/index.js";
import { runReference } from "../model/reference.js";
import { type Case, convertedCases, error, found, nodeCases, report } from "./suite.js";

/** A case's answer by plain loops in f64; throws where it is refused. */
async function answer({ model, inputs }: Case): Promise<number[]> {
  const [[, first] = ["", new Float64Array(0)], ...others] = inputs;
  const state = await readOther(model, "the case", {});
  const network = state.build!({ inputs: Object.fromEntries(others) }) as Network;
  checkStages(network);
  const { height, width, channels } = network.values[network.input]!;
  const one = elementCount([height, width, channels]);
  const results: number[] = [];
  for (let at = 0; at < first.length; at += one) results.push(...runReference(network, first.subarray(at, at + one)));
  return results;
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
