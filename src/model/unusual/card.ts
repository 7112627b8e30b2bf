import type { ModelCard } from "../card.js";
import { object } from "../json-values.js";
import { readConfig } from "./config.js";
import { readProcessor } from "./processor.js";

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
