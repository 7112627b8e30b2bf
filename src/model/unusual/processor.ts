import { UnsupportedModelError } from "../../errors.js";
import type { ModelCard } from "../card.js";
import { type Json, number, refuse, triple, wholeNumber } from "../json-values.js";
import { checkPreprocess } from "../preprocess.js";

/**
 * `preprocessor_config.json`. ConvNextImageProcessor, which Transformers' ResNet uses, resizes the short side to
 * size / crop_pct and crops to size; from 384 pixels on it stretches instead. Others stretch to a height and a width, or name a
 * `crop_size` of their own.
 */
export function readProcessor(config: Json): Partial<ModelCard> {
  const { size, crop_size, crop_pct, resample } = config;
  const preprocess: Record<string, unknown> = {};
  if (config.do_resize === false) {
    throw new UnsupportedModelError(
      "preprocessor_config.json has do_resize false: images of any size cannot be classified.",
    );
  }
  if (size !== undefined) {
    const cropped = crop_size != null && config.do_center_crop !== false;
    const edge = edgeOf(size);
    if (typeof edge !== "number") {
      preprocess.resize = edge;
      preprocess.mode = "squash";
      preprocess.crop = cropped ? cropOf(crop_size) : oneOrTwo(edge);
    } else if (cropped) {
      preprocess.resize = edge;
      preprocess.crop = cropOf(crop_size);
    } else if (edge >= 384) {
      Object.assign(preprocess, { resize: [edge, edge], mode: "squash", crop: edge });
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

/** A short side, or [height, width]. */
function edgeOf(size: unknown): number | [number, number] {
  if (typeof size !== "object" || size === null) return number(size, "size", 1, 16384);
  const { height, width, shortest_edge } = size as Json;
  if (shortest_edge !== undefined) return number(shortest_edge, "size.shortest_edge", 1, 16384);
  if (height === undefined || width === undefined) {
    throw refuse("size", size, "a number, shortest_edge, or height and width");
  }
  return [wholeNumber(height, "size.height"), wholeNumber(width, "size.width")];
}

function cropOf(size: unknown): unknown {
  const edge = edgeOf(size);
  return typeof edge === "number" ? edge : oneOrTwo(edge);
}

const oneOrTwo = ([height, width]: readonly [number, number]) => (height === width ? height : [height, width]);
