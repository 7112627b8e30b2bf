import type { Host } from "../host/host.js";
import { modelCard } from "../model/card.js";
import type { LoadOptions, ModelSource } from "../options.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { writeTaught } from "./export.js";
import type { Lesson } from "./teacher.js";

/** Reads a backbone's file, and writes it with what was learned. */
export async function exportTaught(
  host: Pick<Host, "readPath" | "loadTorch" | "loadForeign">,
  source: ModelSource,
  { architecture, inputSize }: LoadOptions,
  lesson: Lesson,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, origin, files } = await readSource(host, source, {});
  const state = await readWeights(bytes, origin, host);
  const options = {
    ...(architecture !== undefined && { architecture }),
    ...(inputSize !== undefined && { inputSize }),
  };
  return writeTaught({ state, card: modelCard(state, files), options, origin }, lesson);
}
