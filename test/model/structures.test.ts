import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OptionError, UnsupportedModelError } from "../../src/errors.js";
import type { Architecture, Network } from "../../src/graph/network.js";
import type { StateDict } from "../../src/graph/tensor.js";
import { buildNetwork } from "../../src/model/index.js";
import { changed, fixtureState, floats, halves } from "./fixtures.js";
import { runReference } from "./reference.js";

const folder = new URL("../fixtures/structures/", import.meta.url);
const { size, input, cases } = JSON.parse(readFileSync(new URL("structures.json", folder), "utf8")) as {
  readonly size: number;
  readonly input: string;
  readonly cases: Record<string, { readonly stated: Partial<Architecture> | null; readonly logits: readonly number[] }>;
};
const image = halves(Buffer.from(input, "base64"));
const stateOf = (name: string) => fixtureState(name, folder);

/** Largest error over the largest logit. */
function error(network: Network, logits: readonly number[]): number {
  const actual = runReference(network, image);
  if (actual.length !== logits.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(...logits.map(Math.abs));
  return Math.max(...logits.map((logit, index) => Math.abs(logit - actual[index]!))) / largest;
}

const build = (state: StateDict, architecture?: Partial<Architecture> | null) =>
  buildNetwork(state, { inputSize: size, ...(architecture ? { architecture } : {}) });

const entries = Object.entries(cases).map(([name, { stated, logits }]) => ({ name, stated, logits }));

test.each(entries)("PyTorch's logits of $name, stated $stated", ({ name, stated, logits }) => {
  const state = stateOf(name);
  expect(error(build(state, stated), logits)).toBeLessThan(1e-5);
  const unfolded = buildNetwork(state, {
    inputSize: size,
    foldBatchNorm: false,
    ...(stated ? { architecture: stated } : {}),
  });
  expect(error(unfolded, logits)).toBeLessThan(1e-5);
});

test.each(entries.filter(({ stated }) => stated))("$name needs to be told of $stated", ({ name, stated, logits }) => {
  let found: number;
  try {
    found = error(build(stateOf(name)), logits);
  } catch (refusal) {
    // What the names show to be open names the field that states it.
    expect(refusal).toBeInstanceOf(UnsupportedModelError);
    expect((refusal as Error).message).toMatch(new RegExp(`architecture: \\{.*${Object.keys(stated!)[0]}`));
    return;
  }
  expect(found).toBeGreaterThan(1e-3);
});

test("a statement in a file's metadata counts as much", () => {
  const { stated, logits } = cases.silu!;
  const metadata = new Map([["resnet-edge", JSON.stringify({ architecture: stated })]]);
  expect(error(build({ ...stateOf("silu"), metadata }), logits)).toBeLessThan(1e-5);
});

describe("what was passed over is named", () => {
  test.each([
    ["company", ["criterion.weight", "data_preprocessor.mean", "model.total_ops", "n_averaged", "val_acc.total"]],
    ["two-heads", ["fc_age.bias", "fc_age.weight"]],
    ["moco", ["module.encoder_q.fc.bias", "module.encoder_q.fc.weight", "module.queue", "module.queue_ptr"]],
    ["prefix", undefined],
  ])("%s", (name, ignored) => {
    const found = build(stateOf(name), cases[name]!.stated).ignored;
    expect(found && [...found].sort()).toEqual(ignored);
  });

  test("a normalisation that is not applied is a flaw", () => {
    expect(build(stateOf("company")).flaws).toEqual([
      expect.stringMatching(/data_preprocessor\.mean.*preprocess\.mean/),
    ]);
    expect(build(stateOf("prefix")).flaws).toEqual([]);
  });

  test("a file without a head ends in features", () => {
    expect(build(stateOf("moco")).architecture.classes).toBe(0);
  });
});

describe("what is left open is refused, with the line to pass", () => {
  const head = (extra: Record<string, readonly number[]>, removed: readonly string[] = []) =>
    changed(
      stateOf("prefix"),
      Object.fromEntries([
        ...removed.map((name) => [`student.encoder.${name}`, null]),
        ...Object.entries(extra).map(([name, shape]) => [`student.encoder.${name}`, { shape }]),
      ]),
    );

  test.each<[string, StateDict, Partial<Architecture> | undefined, RegExp]>([
    [
      "a head of three",
      stateOf("head-of-three"),
      undefined,
      /fc\.0 \(linear 10 to 7\).*head: \["linear", "batchnorm", "relu", "linear"\]/,
    ],
    ["a head without a bias", stateOf("head-cosine"), undefined, /\["linear"\].*\["cosine"\]/],
    [
      "two heads",
      stateOf("two-heads"),
      undefined,
      /fc \(linear 10 to 5\), fc_age \(linear 10 to 3\).*headPrefix: "fc\."/,
    ],
    [
      "a head that is not there",
      stateOf("two-heads"),
      { headPrefix: "fc_sex." },
      /no linear layer's name begins with that/,
    ],
    ["a head of another length", stateOf("head-of-three"), { head: ["linear", "linear"] }, /the file's head has fc\.0/],
    ["LoRA's factors", stateOf("lora"), undefined, /lora_A.*loraScale: alpha \/ rank/],
    [
      "two networks",
      changed(
        stateOf("prefix"),
        Object.fromEntries(
          [...stateOf("prefix").tensors].map(([name, tensor]) => [name.replace("student", "teacher"), tensor]),
        ),
      ),
      undefined,
      /student\.encoder\."?.*teacher\.encoder.*prefix: "student\.encoder\."/,
    ],
    [
      "squeeze and excitation",
      head({ "layer1.0.se.fc1.weight": [2, 4, 1, 1] }),
      undefined,
      /no place for student\.encoder\.layer1\.0\.se/,
    ],
    ["a head of other features", head({ "fc.weight": [5, 9] }), undefined, /\[5,9\]; expected \[5,10\]/],
  ])("%s", (_, state, architecture, message) => {
    expect(() => build(state, architecture)).toThrow(UnsupportedModelError);
    expect(() => build(state, architecture)).toThrow(message);
  });

  test("the network of several that is named", () => {
    const { logits } = cases.prefix!;
    const both = changed(
      stateOf("prefix"),
      Object.fromEntries(
        [...stateOf("prefix").tensors].map(([name, tensor]) => [name.replace("student", "teacher"), tensor]),
      ),
    );
    const network = build(both, { prefix: "student.encoder." });
    expect(error(network, logits)).toBeLessThan(1e-5);
    expect(network.ignored).toContain("teacher.encoder.conv1.weight");
  });
});

describe("fields", () => {
  const state = stateOf("silu");
  test.each<[Record<string, unknown>, RegExp]>([
    [{ stridein: "1x1" }, /no field "stridein"; did you mean "strideIn"\?/],
    [{ activaton: "silu" }, /did you mean "activation"\?/],
    [{ activation: "mish" }, /activation = "mish" cannot be; it is one of relu, leaky-relu/],
    [{ maxPool: { kernal: 3 } }, /did you mean "kernel"\?/],
    [{ maxPool: { kernel: 2, padding: 2 } }, /maxPool has a kernel of 2 and a padding of 2/],
    [{ head: ["linear", "magic"] }, /architecture\.head/],
    [{ dilations: [1, 0, 1, 1] }, /architecture\.dilations/],
    [{ head: ["log-softmax", "linear"] }, /only be its last layer/],
  ])("%o", (architecture, message) => {
    expect(() => build(state, architecture)).toThrow(OptionError);
    expect(() => build(state, architecture)).toThrow(message);
  });

  test.each(["SiLU", "silu", "Si-LU"])("words are told without case and hyphens: %s", (word) => {
    expect(build(state, { activation: word as "silu" }).architecture.activation).toBe("silu");
  });

  test.each([
    ["resnetaa50", { antiAliasing: "average" }],
    ["resnetblur50d.bt_in1k", { antiAliasing: "blur" }],
    ["seresnet50", /seresnet50/],
    ["resnetrs50", /resnetrs50/],
  ])("timm's name %s", (name, expected) => {
    if (expected instanceof RegExp) expect(() => buildNetwork(state, { architecture: name })).toThrow(expected);
    else expect(buildNetwork(state, { architecture: name }).architecture).toMatchObject(expected);
  });
});

describe("weights that cannot have been meant", () => {
  const all = (network: Network) => {
    for (const op of network.stages.flatMap(({ ops }) => ops)) {
      if (!("weight" in op)) continue;
      const { shape } = op.weight;
      op.weight.read(0, shape[0]!, new Float32Array(shape.reduce((product, extent) => product * extent)));
    }
    return network.flaws;
  };

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%d is named when it is read", (value) => {
    const { shape } = stateOf("silu").tensors.get("layer2.0.conv1.weight")!;
    const weights = new Float32Array(shape.reduce((product, extent) => product * extent)).fill(0.1);
    weights[37] = value;
    const state = changed(stateOf("silu"), { "layer2.0.conv1.weight": { ...floats(...weights), shape } });
    for (const foldBatchNorm of [true, false]) {
      expect(() => all(buildNetwork(state, { inputSize: size, foldBatchNorm }))).toThrow(
        /layer2\.0\.conv1\.weight\[1\] holds NaN or an infinity/,
      );
    }
  });

  test("a convolution of zeros is a flaw", () => {
    const state = changed(stateOf("silu"), { "layer2.0.conv1.weight": { shape: [6, 4, 3, 3] } });
    expect(all(build(state))).toEqual([expect.stringMatching(/Every weight of layer2\.0\.conv1 is zero/)]);
    expect(all(build(stateOf("silu")))).toEqual([]);
  });
});
