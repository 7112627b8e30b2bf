import { describe, expect, test } from "vitest";
import { describeNetwork, invertedNames, pseudoRandomNetwork } from "../../src/model/index.js";
import { runReferenceStages } from "./reference.js";

// As torchvision's tables of weights state them (num_params, _ops); EfficientNet-Lite0's parameters are timm's.
describe.each([
  ["mobilenet_v2", 3_504_872, 0.301],
  ["mobilenet_v3_large", 5_483_032, 0.217],
  ["mobilenet_v3_small", 2_542_856, 0.057],
  ["efficientnet_b0", 5_288_548, 0.386],
  ["mnasnet1_0", 4_383_312, 0.314],
  ["efficientnet_lite0", 4_652_008, null],
] as const)("%s", (name, parameters, billions) => {
  const description = describeNetwork(pseudoRandomNetwork(name));

  test(`has ${parameters} parameters`, () => {
    expect(description.parameters).toBe(parameters);
    expect(invertedNames).toContain(name);
  });

  test.runIf(billions !== null)(`takes ${billions} billion multiply-accumulates`, () => {
    expect(description.macs / 1e9).toBeCloseTo(billions!, 3);
  });
});

test.each(["mobilenet_v2", "efficientnet_lite0", "mnasnet1_0"])("activations of %s keep their size", (name) => {
  const network = pseudoRandomNetwork(name, { inputSize: 64 });
  const noise = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => 2 * Math.sin(12.9898 * i) * Math.cos(0.37 * i));
  for (const values of runReferenceStages(network, noise)) {
    const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(size).toBeGreaterThan(0.2);
    expect(size).toBeLessThan(10);
  }
});
