import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/convert/safetensors.js";
import { UnsupportedModelError } from "../../src/errors.js";
import type { Network } from "../../src/graph/network.js";
import { assumedOf, statedOf } from "../../src/model/assumed.js";
import { buildNetwork, modelCard, preprocessFor } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { changed } from "../model/fixtures.js";
import { runReference } from "../model/reference.js";

const fixtures = new URL("../fixtures/", import.meta.url);
const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i));

const kinds = ["families", "structures"].flatMap((kind) => {
  const folder = new URL(`${kind}/`, fixtures);
  const { size, cases } = JSON.parse(readFileSync(new URL(`${kind}.json`, folder), "utf8"));
  return readdirSync(folder)
    .filter((name) => name.endsWith(".safetensors"))
    .map((file) => {
      const name = file.replace(".safetensors", "");
      return { name: `${kind}/${name}`, bytes: readFileSync(new URL(file, folder)), size, stated: cases[name].stated };
    });
});

const logitsOf = (network: Network) => runReference(network, wave(3 * network.values[network.input]!.height ** 2));

describe.each(kinds)("$name", ({ name, bytes, size, stated }) => {
  const state = readSafetensors(bytes, name);
  const network = buildNetwork(state, { inputSize: size, ...(stated ? { architecture: stated } : {}) });
  const card = { preprocess: preprocessFor(network, modelCard(state)), labels: null };

  test("is read back as it is, with nothing stated and nothing assumed", () => {
    const written = readSafetensors(writeSafetensors(state, network, card), "written");
    const back = buildNetwork(written);
    expect(logitsOf(back)).toEqual(logitsOf(network));
    expect(modelCard(written).preprocess).toEqual(card.preprocess);
    const types = new Set([...written.tensors.values()].map(({ dtype }) => dtype));
    expect([...types].every((type) => type === "f16" || type === "f32")).toBe(true);
    const usual = [
      "strideIn",
      "stemStride",
      "maxPool",
      "activation",
      "activationAfterSum",
      "stageStrides",
      "dilations",
      "antiAliasing",
      "globalPool",
      "residualScale",
      "epsilon",
    ];
    expect(
      Object.keys(assumedOf(back, statedOf(modelCard(written).architecture, undefined))).filter(
        (it) => !usual.includes(it),
      ),
    ).toEqual([]);
  });
});

test("an integer file stays one", () => {
  const state = readSafetensors(
    readFileSync(new URL("../../models/cifar110-resnet20x2.int8.safetensors", import.meta.url)),
    "int8",
  );
  const network = buildNetwork(state, { integers: true });
  const labels = modelCard(state).labels;
  const written = readSafetensors(
    writeSafetensors(state, network, { preprocess: preprocessFor(network, modelCard(state)), labels }),
    "written",
  );
  const back = buildNetwork(written, { integers: true });
  expect(back.values).toEqual(network.values);
  expect(modelCard(written).labels).toEqual(labels);
  for (const [name, tensor] of state.tensors)
    expect(Buffer.compare(written.tensors.get(name)!.bytes, tensor.bytes)).toBe(0);
});

test("a network that its tensors would not give back is refused", () => {
  const { bytes, size } = kinds.find(({ name }) => name === "families/se")!;
  const state = readSafetensors(bytes, "it");
  const network = buildNetwork(state, { inputSize: size });
  const name = [...state.tensors.keys()].find((it) => it.endsWith("bn1.bias"))!;
  const other = changed(state, { [name]: null });
  expect(() =>
    writeSafetensors(other, network, { preprocess: preprocessFor(network, modelCard(state)), labels: null }),
  ).toThrow(UnsupportedModelError);
});
