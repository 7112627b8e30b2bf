import { UnsupportedModelError } from "../../errors.js";
import type { Architecture } from "../../graph/network.js";
import type { ModelCard } from "../card.js";
import { classLabels, type Json, number, object, refuse, show, wholeNumber } from "../json-values.js";
import { checkPreprocess } from "../preprocess.js";
import { checkArchitecture } from "./stated.js";
import { traitsOf } from "./well-known.js";

/** `config.json` of Transformers' ResNetForImageClassification, or of timm: nested, flat, or in Transformers' wrapper. */
export function readConfig(config: Json): Partial<ModelCard> {
  const { model_type, architecture, pretrained_cfg, quantization_config } = config;
  refuseMethod(quantization_config);
  const ofTimm = pretrained_cfg != null || (typeof architecture === "string" && config.depths === undefined);
  if (ofTimm && (model_type ?? "timm_wrapper") === "timm_wrapper") return readTimm(config);
  return readTransformers(config);
}

/** Tools whose integers are read where they are int8: weights/foreign.ts, which refuses their other formats by the tensors. */
const quantizers = /^(bitsandbytes|quanto|compressed-tensors|torchao)$/;

function refuseMethod(stated: unknown): void {
  const method = typeof stated === "object" && stated !== null ? (stated as Json).quant_method : undefined;
  if (method == null || (typeof method === "string" && quantizers.test(method))) return;
  throw new UnsupportedModelError(
    `config.json says that the weights were quantised by ${show(method)}, which is not read. Load the model with that tool, and save it dequantised.`,
  );
}

/** timm wrote its fields flat before it nested them under `pretrained_cfg`; the outer ones win. */
function readTimm(config: Json): Partial<ModelCard> {
  const timm: Json = { ...object(config.pretrained_cfg ?? {}, "pretrained_cfg"), ...config };
  const named = timm.label_names ?? timm.label_name ?? timm.id2label;
  return {
    labels: named == null ? undefined : classLabels(named),
    preprocess: timmPreprocess(timm),
    architecture: checkArchitecture(
      {
        ...(typeof timm.architecture === "string" ? traitsOf(timm.architecture) : {}),
        ...pooling(timm.global_pool),
        ...timmArguments(object(timm.model_args ?? {}, "model_args")),
        ...scoring(timm.problem_type),
      },
      "file",
    ),
  };
}

/** timm's transforms: the image's size is the crop's over crop_pct. */
function timmPreprocess(timm: Json): Partial<ModelCard>["preprocess"] {
  const { input_size, crop_mode, interpolation, mean, std } = timm;
  if (input_size === undefined) return checkPreprocess({ interpolation, mean, std }, "pretrained_cfg");
  if (!Array.isArray(input_size) || input_size.length !== 3 || input_size[0] !== 3) {
    throw refuse("input_size", input_size, "[3, height, width]");
  }
  const ratio = number(timm.crop_pct ?? 0.875, "crop_pct", 0.01, 1);
  const crop = [wholeNumber(input_size[1], "input_size"), wholeNumber(input_size[2], "input_size")];
  const resize = crop.map((side) => Math.floor(side / ratio));
  // One number is the short side's, as torchvision rounds it.
  const square = crop[0] === crop[1] && (crop_mode ?? "center") === "center";
  return checkPreprocess(
    {
      crop: crop[0] === crop[1] ? crop[0] : crop,
      resize: square ? resize[0] : resize,
      mode: crop_mode ?? (square ? undefined : "center"),
      interpolation,
      mean,
      std,
    },
    "pretrained_cfg",
  );
}

/** Of `model_args`: those that weights show, and those of training. */
const visible =
  /^(num_classes|in_chans|block|layers|channels|cardinality|base_width|stem_width|stem_type|down_kernel_size|avg_down|replace_stem_pool|drop\w*|zero_init_last|pretrained\w*|checkpoint\w*|features_only|bn_\w+)$/;

function timmArguments(given: Json): Partial<Architecture> {
  const traits: { -readonly [K in keyof Architecture]?: Architecture[K] } = {};
  for (const [name, value] of Object.entries(given)) {
    if (value == null) continue;
    if (name === "act_layer") traits.activation = activation(value);
    else if (name === "aa_layer") traits.antiAliasing = /blur/i.test(String(value)) ? "blur" : average(value);
    else if (name === "global_pool") Object.assign(traits, pooling(value));
    else if (name === "output_stride") traits.replaceStrideWithDilation = dilated(value);
    else if (name === "in_chans" && value !== 3) throw unsupported(`model_args.${name}`, value);
    else if (name === "norm_layer" && /^batchnorm(2d)?$/i.test(String(value))) continue;
    else if (name === "bn_eps" || name === "norm_eps") traits.epsilon = number(value, name, 1e-12, 0.999);
    else if (!visible.test(name)) throw unsupported(`model_args.${name}`, value);
  }
  return traits;
}

function dilated(value: unknown): boolean[] {
  const found = { 8: [false, true, true], 16: [false, false, true], 32: [false, false, false] }[value as number];
  if (!found) throw unsupported("model_args.output_stride", value);
  return found;
}

function average(value: unknown): "average" {
  if (/^avg(_?pool)?(2d)?$/i.test(String(value))) return "average";
  throw unsupported("model_args.aa_layer", value);
}

function pooling(value: unknown): Partial<Architecture> {
  if (value == null || value === "avg" || value === "fast") return {};
  if (value === "max" || value === "fastmax") return { globalPool: "max" };
  throw unsupported("global_pool", value);
}

/** By the names of timm and of Transformers. */
function activation(value: unknown): Architecture["activation"] {
  const word = String(value).toLowerCase().replaceAll("_", "-");
  const known = { swish: "silu", leakyrelu: "leaky-relu" } as const;
  const named = known[word as "swish"] ?? word;
  if (/^(relu|leaky-relu|relu6|silu|gelu|elu)$/.test(named)) return named as Architecture["activation"];
  throw unsupported("the activation", value);
}

function scoring(problem: unknown): Partial<Architecture> {
  const scores = {
    single_label_classification: "softmax",
    multi_label_classification: "sigmoid",
    regression: "none",
  } as const;
  if (problem == null) return {};
  const found = scores[problem as keyof typeof scores];
  if (!found) throw unsupported("problem_type", problem);
  return { scores: found };
}

function unsupported(what: string, value: unknown): UnsupportedModelError {
  return new UnsupportedModelError(
    `config.json has ${what} ${show(value)}, which is not supported. Load the weights without it and state architecture, if that fits.`,
  );
}

function readTransformers(config: Json): Partial<ModelCard> {
  const { model_type, id2label, hidden_act, num_channels, layer_type, depths, hidden_sizes, embedding_size } = config;
  if (model_type !== undefined && model_type !== "resnet") {
    throw new UnsupportedModelError(`config.json is of a ${show(model_type)}; only "resnet" is supported.`);
  }
  if ((num_channels ?? 3) !== 3) throw unsupported("num_channels", num_channels);
  const block = layer_type === undefined && depths === undefined ? undefined : (layer_type ?? "bottleneck");
  const sizes = Array.isArray(hidden_sizes)
    ? hidden_sizes.map((size) => (block === "basic" ? size : size / 4))
    : undefined;
  return {
    labels: id2label == null ? undefined : classLabels(id2label),
    architecture: checkArchitecture(
      {
        block,
        layers: depths,
        widths: sizes,
        stemWidth: embedding_size,
        strideIn: config.downsample_in_bottleneck === true ? "1x1" : undefined,
        firstStageStride: config.downsample_in_first_stage === true ? 2 : undefined,
        activation: hidden_act == null || hidden_act === "relu" ? undefined : activation(hidden_act),
        ...scoring(config.problem_type),
      },
      "file",
    ),
  };
}
