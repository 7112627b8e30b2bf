import { expect, test } from "vitest";
import { createCpuEngine } from "../../src/cpu/open.js";
import type { Weight } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { wasm } from "./engine.js";

const all = ({ shape, read }: Weight) => {
  const values = new Float32Array(elementCount(shape));
  read(0, shape[0]!, values);
  return Buffer.from(values.buffer);
};

test("weights that lie packed as they came are read from there: the last layer's too, when the file is gone", async () => {
  const network = pseudoRandomNetwork("resnet18", { inputSize: 32, classes: 13 });
  const engine = await createCpuEngine(network, { wasm, threads: 1 });
  const [before, after] = [network, engine.network].map(({ stages }) => stages.flatMap(({ ops }) => ops));
  const again: string[] = [];
  for (const [index, op] of before!.entries()) {
    const other = after![index]!;
    if (!("weight" in op) || !("weight" in other) || op.weight.read === other.weight.read) continue;
    again.push(op.name);
    expect(other.weight.shape).toEqual(op.weight.shape);
    expect(all(other.weight).equals(all(op.weight)), op.name).toBe(true);
  }
  expect(again).toContain("fc");
  expect(again).toContain("layer2.0.downsample.0");
  await engine.close();
});
