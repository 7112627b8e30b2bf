import { parseJson } from "../base/json.js";
import type { Architecture } from "../graph/network.js";
import type { StateDict } from "../graph/tensor.js";
import type { Preprocess } from "../options.js";
import { classLabels, object } from "./json-values.js";
import { checkPreprocess } from "./preprocess.js";

/** What is said beside a model's weights. Fields about which nothing is said are absent. */
export interface ModelCard {
  /** Class names in index order. */
  readonly labels: readonly string[] | null;
  readonly preprocess: Partial<Preprocess>;
  /** Checked when the network is built. */
  readonly architecture: Partial<Architecture>;
  /** How a taught model tells what is none of its classes: read where it is used (src/features/none.ts). */
  readonly none?: unknown;
}

/**
 * Gathers labels, preprocessing and what is stated of the architecture: from the JSON in a safetensors file's `resnet-edge`
 * metadata, and from what lay beside the file, which wins. A pure function of its arguments.
 *
 * Throws `ModelFormatError` for JSON that does not parse or values that cannot be, `UnsupportedModelError` for preprocessing
 * that this library does not have.
 */
export function modelCard(state: Pick<StateDict, "metadata">, beside: readonly Partial<ModelCard>[] = []): ModelCard {
  const text = state.metadata.get("resnet-edge");
  const parts = text === undefined ? beside : [readMetadata(text), ...beside];
  return {
    labels: parts.findLast((part) => part.labels)?.labels ?? null,
    preprocess: Object.assign({}, ...parts.map((part) => part.preprocess)),
    architecture: Object.assign({}, ...parts.map((part) => part.architecture)),
    none: parts.findLast((part) => part.none)?.none,
  };
}

function readMetadata(text: string): Partial<ModelCard> {
  const json = parseJson(text, "The file's resnet-edge metadata");
  const { labels, preprocess, architecture, none } = object(json, "resnet-edge metadata");
  return {
    labels: labels == null ? undefined : classLabels(labels),
    preprocess: preprocess == null ? {} : checkPreprocess(preprocess, "preprocess"),
    architecture: architecture == null ? {} : object(architecture, "The file's metadata: architecture"),
    none,
  };
}
