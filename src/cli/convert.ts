import { writeFile } from "node:fs/promises";
import { writeOnnx } from "../convert/onnx.js";
import { writeSafetensors } from "../convert/safetensors.js";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { buildNetwork, modelCard, preprocessFor } from "../model/index.js";
import { checkOptions } from "../session/check-options.js";
import { labelsFor } from "../session/classify.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { say, sayJson } from "./out.js";

/** Writes a model as safetensors or ONNX, with what is known of it beside the weights. */
export async function convert(names: string[], options: Options): Promise<number> {
  if (names.length !== 1) throw new OptionError("convert takes one model.");
  const { output } = options;
  const [, format] = /\.(safetensors|onnx)$/i.exec(output ?? "") ?? [];
  if (output === undefined || format === undefined) {
    throw new OptionError(
      `convert needs --output FILE.safetensors or FILE.onnx${output === undefined ? "" : `; "${output}" is neither`}.`,
    );
  }
  const named = { ...options, model: names[0]! };
  const load = await loadOptions(named);
  checkOptions(load);
  const { bytes, origin, files } = await readSource(nodeHost, modelOf(named), load);
  const state = await readWeights(bytes, origin, nodeHost, load.inputSize);
  const card = modelCard(state, files);
  const network = buildNetwork(state, { ...load, card, integers: true });
  const preprocess = preprocessFor(network, card, load.preprocess);
  const { classes, scores } = network.architecture;
  const labels = classes > 0 ? labelsFor(load.labels ?? card.labels, classes, scores) : null;
  const file =
    format.toLowerCase() === "onnx"
      ? writeOnnx(network, { preprocess, labels: labels ?? undefined, ...(scores && { architecture: { scores } }) })
      : writeSafetensors(state, network, { preprocess, labels });
  await writeFile(output, file);
  const operations = network.stages.reduce((sum, { ops }) => sum + ops.length, 0);
  if (options.json) sayJson({ file: output, format: format.toLowerCase(), bytes: file.length, operations });
  else say(`${output}: ${network.architecture.name}, ${operations} operations, ${(file.length / 1e6).toFixed(1)} MB`);
  return 0;
}
