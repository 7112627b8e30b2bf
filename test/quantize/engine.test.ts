import { expect, test } from "vitest";
import { compile } from "../../src/cpu/lower/compile.js";
import type { Variant } from "../../src/cpu/module.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { onEngine } from "../../src/quantize/engine.js";
import { wasm } from "../cpu/engine.js";

test("a network that an engine would measure runs on the tables' kernels, without fused sums", async () => {
  const network = pseudoRandomNetwork("resnet18", { inputSize: 96 });
  const variants: Variant[] = [];
  const cpu = {
    threads: 1,
    wasm(variant: Variant) {
      variants.push(variant);
      return wasm(variant);
    },
  };
  const found = await onEngine(network, cpu, ({ program }) => program.steps.map(({ kernel }) => kernel));
  const table = compile(network, { memory: "fast", convolution: "winograd4-lean", tile: "4x8", threads: 1 });
  expect(found).toEqual(table.steps.map(({ kernel }) => kernel));
  expect(new Set(variants)).toEqual(new Set(["baseline"]));
}, 60_000);
