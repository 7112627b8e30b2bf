import { UnsupportedModelError } from "../errors.js";
import type { ModelCard } from "./card.js";
import { classLabels, type Json, number, object, show, triple } from "./json-values.js";
import { checkPreprocess } from "./preprocess.js";
import { checkArchitecture } from "./stated.js";

/** The JSON files that lie beside the weights in a Hugging Face folder, parsed. */
export interface CardFiles {
  /** `config.json`, of Transformers or of timm. */
  config?: unknown;
  /** `preprocessor_config.json`. */
  preprocessor?: unknown;
}

/** What a folder's files say, for `modelCard`; later ones win. Only hosts with folders need this code. */
export function readFolder({ config, preprocessor }: CardFiles): Partial<ModelCard>[] {
  const parts: Partial<ModelCard>[] = [];
  if (config !== undefined) parts.push(readConfig(object(config, "config.json")));
  if (preprocessor !== undefined) parts.push(readProcessor(object(preprocessor, "preprocessor_config.json")));
  return parts;
}

/** `config.json` of Transformers' ResNetForImageClassification, or of timm (`pretrained_cfg`). */
export function readConfig(config: Json): Partial<ModelCard> {
  const pretrained = config.pretrained_cfg;
  if (pretrained != null) {
    const timm = object(pretrained, "pretrained_cfg");
    const [, crop] = Array.isArray(timm.input_size) ? timm.input_size : [];
    const ratio = number(timm.crop_pct ?? 0.875, "crop_pct", 0.01, 1);
    const named = config.label_names ?? timm.label_names;
    return {
      labels: named == null ? undefined : classLabels(named),
      preprocess: checkPreprocess(
        {
          crop,
          resize: crop === undefined ? undefined : Math.floor(number(crop, "input_size", 1, 16384) / ratio),
          interpolation: timm.interpolation,
          mean: timm.mean,
          std: timm.std,
        },
        "pretrained_cfg",
      ),
    };
  }

  const { model_type, id2label, hidden_act, num_channels, layer_type, depths, hidden_sizes, embedding_size } = config;
  if (model_type !== undefined && model_type !== "resnet") {
    throw new UnsupportedModelError(`config.json is of a ${show(model_type)}; only "resnet" is supported.`);
  }
  if ((hidden_act ?? "relu") !== "relu" || (num_channels ?? 3) !== 3) {
    throw new UnsupportedModelError(
      `config.json has hidden_act ${show(hidden_act)} and num_channels ${show(num_channels)}; only "relu" and 3 are supported.`,
    );
  }
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
      },
      "file",
    ),
  };
}

/**
 * `preprocessor_config.json`. ConvNextImageProcessor, which Transformers' ResNet uses, resizes the short side to
 * size / crop_pct and crops to size; from 384 pixels on it stretches instead. Others name a `crop_size` of their own.
 */
export function readProcessor(config: Json): Partial<ModelCard> {
  const { size, crop_size, crop_pct, resample } = config;
  const shortEdge = typeof size === "object" && size !== null ? (size as Json).shortest_edge : size;
  const preprocess: Record<string, unknown> = {};
  if (config.do_resize === false) {
    throw new UnsupportedModelError(
      "preprocessor_config.json has do_resize false: images of any size cannot be classified.",
    );
  }
  if (size !== undefined) {
    const edge = number(shortEdge, "size.shortest_edge", 1, 16384);
    if (crop_size != null && config.do_center_crop !== false) {
      preprocess.resize = edge;
      preprocess.crop = typeof crop_size === "object" && crop_size !== null ? (crop_size as Json).height : crop_size;
    } else if (edge >= 384) {
      throw new UnsupportedModelError(
        `preprocessor_config.json stretches images to ${edge} x ${edge}, which is not supported; load the weights without it.`,
      );
    } else {
      preprocess.crop = edge;
      preprocess.resize = Math.floor(edge / number(crop_pct ?? 224 / 256, "crop_pct", 0.01, 1));
    }
  }
  if (resample !== undefined) {
    // PIL.Image.Resampling.
    preprocess.interpolation = { 0: "nearest", 2: "bilinear", 3: "bicubic" }[resample as number] ?? resample;
  }

  // Their mean and deviation are of pixels times rescale_factor; ours of pixels / 255.
  const factor =
    config.do_rescale === false ? 1 : number(config.rescale_factor ?? 1 / 255, "rescale_factor", 1e-9, 1e9);
  const unit = factor * 255;
  const raw = config.do_normalize === false;
  const scaled = (values: unknown, otherwise: number) =>
    (raw || values === undefined ? [otherwise, otherwise, otherwise] : triple(values, "image_mean or image_std")).map(
      (value) => value / unit,
    );
  if (raw || config.image_mean !== undefined) preprocess.mean = scaled(config.image_mean, 0);
  if (raw || config.image_std !== undefined) preprocess.std = scaled(config.image_std, 1);
  return { preprocess: checkPreprocess(preprocess, "preprocessor_config.json") };
}
