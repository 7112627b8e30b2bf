import { describe, expect, test } from "vitest";
import { ModelFormatError, OptionError, UnsupportedModelError } from "../../src/errors.js";
import * as model from "../../src/model/index.js";
import { type CardFiles, readFolder } from "../../src/model/unusual/card.js";
import { fixtureState } from "./fixtures.js";

const { buildNetwork, preprocessFor, pseudoRandomNetwork } = model;
const modelCard = (state: Parameters<typeof model.modelCard>[0], files: CardFiles = {}) =>
  model.modelCard(state, readFolder(files));
const nothing = { metadata: new Map<string, string>() };
const metadata = (json: unknown) => ({ metadata: new Map([["resnet-edge", JSON.stringify(json)]]) });

/** As microsoft/resnet-50 has them, with two classes. */
const config = {
  architectures: ["ResNetForImageClassification"],
  depths: [3, 4, 6, 3],
  downsample_in_first_stage: false,
  embedding_size: 64,
  hidden_act: "relu",
  hidden_sizes: [256, 512, 1024, 2048],
  id2label: { "0": "tench, Tinca tinca", "1": "goldfish, Carassius auratus" },
  layer_type: "bottleneck",
  model_type: "resnet",
  num_channels: 3,
};
const preprocessor = {
  crop_pct: 0.875,
  do_normalize: true,
  do_resize: true,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  resample: 3,
  size: { shortest_edge: 224 },
};

describe("metadata of a safetensors file", () => {
  test("labels, preprocessing and architecture", () => {
    const card = modelCard(
      metadata({
        architecture: { family: "resnet", block: "basic", stem: "3x3", layers: [3, 3, 3], shortcut: "projection" },
        labels: ["airplane", "automobile"],
        preprocess: {
          input: [3, 32, 32],
          resize: 36,
          crop: 32,
          interpolation: "bicubic",
          mean: [0.5, 0.4, 0.3],
          std: [1, 2, 3],
        },
        accuracy: { top1: 0.9 },
      }),
    );
    expect(card).toEqual({
      labels: ["airplane", "automobile"],
      preprocess: { resize: 36, crop: 32, interpolation: "bicubic", mean: [0.5, 0.4, 0.3], std: [1, 2, 3] },
      architecture: { family: "resnet", block: "basic", stem: "3x3", layers: [3, 3, 3], shortcut: "projection" },
    });
  });

  test("none", () => {
    expect(modelCard(nothing)).toEqual({ labels: null, preprocess: {}, architecture: {} });
  });

  test("the crop is the network's input", () => {
    const state = fixtureState("basic");
    const card = modelCard(metadata({ preprocess: { crop: 40 } }));
    expect(buildNetwork(state, { card }).values[0]).toEqual({ height: 40, width: 40, channels: 3 });
    expect(buildNetwork(state, { card, inputSize: 33 }).values[0]!.height).toBe(33);
  });
});

describe("a Hugging Face folder", () => {
  test("config.json and preprocessor_config.json", () => {
    const card = modelCard(nothing, { config, preprocessor });
    expect(card.labels).toEqual(["tench, Tinca tinca", "goldfish, Carassius auratus"]);
    expect(card.preprocess).toEqual({
      crop: 224,
      resize: 256,
      interpolation: "bicubic",
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    expect(card.architecture).toEqual({
      block: "bottleneck",
      layers: [3, 4, 6, 3],
      widths: [64, 128, 256, 512],
      stemWidth: 64,
    });
  });

  test("a tool whose int8 is read", () => {
    const quantization_config = { quant_method: "bitsandbytes", load_in_8bit: true };
    expect(modelCard(nothing, { config: { ...config, quantization_config } })).toEqual(modelCard(nothing, { config }));
  });

  test("where the stride is", () => {
    const told = { ...config, downsample_in_bottleneck: true, downsample_in_first_stage: true };
    expect(modelCard(nothing, { config: told }).architecture).toMatchObject({ strideIn: "1x1", firstStageStride: 2 });
  });

  test.each([
    ["a size that is a number", { ...preprocessor, size: 192 }, { crop: 192, resize: 219 }],
    ["no crop_pct: 224 / 256", { size: { shortest_edge: 112 } }, { crop: 112, resize: 128 }],
    [
      "a crop_size of its own",
      { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } },
      { crop: 224, resize: 256 },
    ],
    [
      "pixels that are not rescaled",
      { do_rescale: false, image_mean: [51, 102, 255], image_std: [51, 51, 51] },
      { mean: [0.2, 0.4, 1], std: [0.2, 0.2, 0.2] },
    ],
    ["pixels that are not normalised", { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ["PIL's filters by number", { resample: 0 }, { interpolation: "nearest" }],
  ])("%s", (_, stated, expected) => {
    const { preprocess } = modelCard(nothing, { preprocessor: stated });
    for (const [field, value] of Object.entries(expected)) {
      const actual = preprocess[field as keyof typeof preprocess];
      const close = (entry: number) => expect.closeTo(entry, 12);
      expect(actual).toEqual(Array.isArray(value) ? value.map(close) : value);
    }
  });

  test("timm's config.json", () => {
    const timm = {
      architecture: "resnet50",
      num_classes: 2,
      label_names: ["cat", "dog"],
      pretrained_cfg: {
        input_size: [3, 224, 224],
        interpolation: "bicubic",
        crop_pct: 0.95,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
    };
    const card = modelCard(nothing, { config: timm });
    expect(card.labels).toEqual(["cat", "dog"]);
    expect(card.preprocess).toMatchObject({ crop: 224, resize: 235, interpolation: "bicubic" });
  });

  test("a folder's files win over the weights' metadata", () => {
    const card = modelCard(metadata({ labels: ["a", "b"], preprocess: { crop: 32, mean: [0, 0, 0] } }), {
      config,
      preprocessor: { size: 64 },
    });
    expect(card.labels![0]).toBe("tench, Tinca tinca");
    expect(card.preprocess).toMatchObject({ crop: 64, mean: [0, 0, 0] });
  });
});

describe("hostile values", () => {
  test("names of Object.prototype are no fields", () => {
    const text =
      '{"architecture":{"constructor":1,"toString":2,"__proto__":{"layers":"x"}},"preprocess":{"__proto__":{}}}';
    const state = { ...fixtureState("basic"), metadata: new Map([["resnet-edge", text]]) };
    expect(() => buildNetwork(state)).toThrow(/There is no field "constructor"/);
  });

  test.each([
    ["not JSON", { metadata: new Map([["resnet-edge", "{"]]) }, {}, ModelFormatError],
    ["null", metadata(null), {}, ModelFormatError],
    ["labels that are numbers", metadata({ labels: [1, 2] }), {}, ModelFormatError],
    ["labels that are text", metadata({ labels: "cat" }), {}, ModelFormatError],
    ["a crop below zero", metadata({ preprocess: { crop: -1 } }), {}, ModelFormatError],
    ["a crop of 2^53", metadata({ preprocess: { crop: 2 ** 53 } }), {}, ModelFormatError],
    ["half a pixel", metadata({ preprocess: { resize: 1.5 } }), {}, ModelFormatError],
    ["a std of zero", metadata({ preprocess: { std: [1, 0, 1] } }), {}, ModelFormatError],
    ["a mean of two", metadata({ preprocess: { mean: [1, 0] } }), {}, ModelFormatError],
    ["an unknown filter", metadata({ preprocess: { interpolation: "lanczos" } }), {}, UnsupportedModelError],
    ["an architecture that is text", metadata({ architecture: "resnet18" }), {}, ModelFormatError],
    ["a config that is a list's element", nothing, { config: "x" }, ModelFormatError],
    ["a label twice", nothing, { config: { id2label: { "0": "a", "00": "b" } } }, ModelFormatError],
    ["a label beyond the last", nothing, { config: { id2label: { "0": "a", "7": "b" } } }, ModelFormatError],
    ["another family", nothing, { config: { model_type: "vit" } }, UnsupportedModelError],
    [
      "weights of a tool that is not read",
      nothing,
      { config: { quantization_config: { quant_method: "gptq" } } },
      UnsupportedModelError,
    ],
    [
      "a tool whose name is no text",
      nothing,
      { config: { quantization_config: { quant_method: { toString: 1, valueOf: 1 } } } },
      UnsupportedModelError,
    ],
    ["another activation", nothing, { config: { hidden_act: "quick_gelu" } }, UnsupportedModelError],
    ["sizes that are text", nothing, { config: { depths: [1], hidden_sizes: ["a"] } }, ModelFormatError],
    ["a crop_pct of zero", nothing, { preprocessor: { size: 224, crop_pct: 0 } }, ModelFormatError],
    ["a size without an edge", nothing, { preprocessor: { size: { longest_edge: 224 } } }, ModelFormatError],
    ["images that are not resized", nothing, { preprocessor: { do_resize: false } }, UnsupportedModelError],
    ["PIL's Lanczos", nothing, { preprocessor: { resample: 1 } }, UnsupportedModelError],
    ["a rescale_factor of zero", nothing, { preprocessor: { rescale_factor: 0 } }, ModelFormatError],
  ])("%s", (_, state, files, kind) => {
    expect(() => modelCard(state, files)).toThrow(kind);
  });
});

describe("preprocessing of a network", () => {
  const imagenet = pseudoRandomNetwork("resnet18");

  test.each([{ resize: 0 }, { crop: 200 }, { mean: [1] }, { std: [1, 1, -1] }, { interpolation: "sharp" }])(
    "%o is refused",
    (overrides) => {
      expect(() => preprocessFor(imagenet, modelCard(nothing), overrides as never)).toThrow(OptionError);
    },
  );

  test("torchvision's where nothing is said", () => {
    expect(preprocessFor(imagenet, modelCard(nothing))).toEqual({
      crop: 224,
      resize: 256,
      interpolation: "bilinear",
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    const cifar = pseudoRandomNetwork("resnet20");
    expect(preprocessFor(cifar, modelCard(nothing))).toMatchObject({ crop: 32, resize: 32 });
  });

  test("another input size keeps the ratio of resize to crop", () => {
    const card = modelCard(metadata({ preprocess: { crop: 224, resize: 235 } }));
    const larger = pseudoRandomNetwork("resnet18", { inputSize: 288 });
    expect(preprocessFor(larger, card)).toMatchObject({ crop: 288, resize: 302 });
    expect(preprocessFor(larger, card, { resize: 288 })).toMatchObject({ crop: 288, resize: 288 });
  });
});
