import { readFile, writeFile } from "node:fs/promises";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { decodeBytes, decodeFile } from "../image/decode-node.js";
import { preprocess as prepare } from "../image/index.js";
import { buildNetwork, modelCard, preprocessFor } from "../model/index.js";
import type { Preprocess } from "../options.js";
import { onEngine } from "../quantize/engine.js";
import { floatBytes, writeNetwork } from "../quantize/file.js";
import { agreement, answers } from "../quantize/measure.js";
import { type LayerReport, quantizeNetwork, spread, weightsOnly } from "../quantize/network.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { type ListedImage, listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { complain, reason, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** Pictures that calibrate, unless stated: more tell little more. */
const CALIBRATION = 100;
/** Pictures held out that are tried. */
const MOST_EVALUATED = 500;
/** Fewer are said to be few. */
const ENOUGH = 16;

const types = ["int8", "int8-weights", "f16", "bf16"];

/** Writes a model with weights of fewer bytes, and says how near its answers stay. Exit status 1: pictures that could not be read. */
export async function quantize(names: string[], options: Options): Promise<number> {
  if (names.length !== 1) throw new OptionError("quantize takes one model.");
  const { output, images, evaluate, dtype = "int8" } = options;
  if (output === undefined) throw new OptionError("quantize needs --output FILE.");
  if (!types.includes(dtype)) throw new OptionError(`--dtype is "${dtype}"; it must be one of ${types.join(", ")}.`);
  if (dtype === "int8" && images === undefined) throw new OptionError("quantize needs --images DIR to calibrate on.");
  const named = { ...options, model: names[0]! };
  const load = await loadOptions(named);
  const { bytes, origin, files } = await readSource(nodeHost, modelOf(named), load);
  const state = await readWeights(bytes, origin, nodeHost);
  const card = modelCard(state, files);
  const network = buildNetwork(state, { ...load, card });
  const preprocess = preprocessFor(network, card, load.preprocess);
  const written = { labels: load.labels ?? card.labels, preprocess };
  const cpu = { ...load, wasm: nodeHost.wasm, threadSupport: nodeHost.threadSupport };

  if (dtype !== "int8") {
    const made = dtype === "int8-weights" ? weightsOnly(network) : network;
    const file = writeNetwork(made, written, dtype === "bf16" ? "bf16" : "f16");
    await writeFile(output, file);
    const sizes = { bytes: file.length, floatBytes: floatBytes(network) };
    if (options.json) sayJson({ file: output, dtype, ...sizes });
    else say(`${output}: ${dtype}, ${sizeLine(sizes)}`);
    return 0;
  }

  const all = await listImages([images!]);
  const wanted = options.calibration === undefined ? CALIBRATION : number(options, "calibration");
  // Half of a folder is held out, unless other pictures are given for that, or a number is stated.
  const most = evaluate === undefined && options.calibration === undefined ? Math.ceil(all.length / 2) : all.length;
  const chosen = spread(all, Math.min(wanted, most));
  const others = evaluate === undefined ? all.filter((it) => !chosen.includes(it)) : await listImages([evaluate]);
  const calibration = await readInputs(chosen, preprocess, "reading");
  if (calibration.inputs.length === 0)
    throw new OptionError("No picture could be read; give images that the network knows.");
  const made = await quantizeNetwork(network, calibration.inputs, { cpu, onProgress: showProgress });
  const file = writeNetwork(made.network, written, "f16");
  await writeFile(output, file);
  const held = await readInputs(spread(others, MOST_EVALUATED), preprocess, "reading held out");
  showProgress("comparing");
  const expected = await onEngine(network, cpu, (inside) => answers(inside, network, held.inputs));
  const found = await onEngine(made.network, cpu, (inside) => answers(inside, made.network, held.inputs));
  showProgress("");
  const notes = [
    ...(calibration.inputs.length < ENOUGH
      ? [`${calibration.inputs.length} pictures are few to calibrate on; give ${ENOUGH} and more, of various kinds.`]
      : []),
    ...(held.inputs.length === 0 ? ["No picture was held out: nothing is known of others. Give --evaluate DIR."] : []),
  ];
  const report = {
    ...{ file: output, dtype, bytes: file.length, floatBytes: floatBytes(network) },
    calibration: calibration.inputs.length,
    evaluated: held.inputs.length,
    agreeing: agreement(expected, found),
    ...{ equalized: made.equalized, corrected: made.corrected, layers: made.layers, notes },
  };
  if (options.json) sayJson(report);
  else for (const line of lines(report)) say(line);
  return calibration.failed + held.failed > 0 ? 1 : 0;
}

async function readInputs(images: readonly ListedImage[], preprocess: Preprocess, what: string) {
  const inputs: Float32Array[] = [];
  let failed = 0;
  for (const [index, { name, path, error }] of images.entries()) {
    showProgress(`${what} ${index + 1} of ${images.length}: ${name}`);
    try {
      if (error) throw error;
      const pixels = typeof path === "string" ? await decodeFile(path) : await decodeBytes(await readFile(path), name);
      inputs.push(prepare(pixels, preprocess));
    } catch (error) {
      failed++;
      showProgress("");
      const { name: kind, message } = reason(error);
      complain(`${name}: ${kind}: ${message}`);
    }
  }
  return { inputs, failed };
}

interface Report {
  readonly file: string;
  readonly bytes: number;
  readonly floatBytes: number;
  readonly calibration: number;
  readonly evaluated: number;
  readonly agreeing: number;
  readonly layers: readonly LayerReport[];
  readonly notes: readonly string[];
}

function lines({ file, layers, calibration, evaluated, agreeing, notes, ...sizes }: Report): string[] {
  const share = evaluated > 0 ? ` (${((100 * agreeing) / evaluated).toFixed(1)} %)` : "";
  return [
    ...table(
      ["layer", "weights", "weights, dB", "value, dB", "clip", ""],
      layers.map((it) => [
        it.name,
        it.weights,
        it.weightSignalToNoise.toFixed(1),
        it.signalToNoise.toFixed(1),
        it.clip ?? "",
        it.reason ? `float: ${it.reason}` : "",
      ]),
    ),
    "",
    `${file}: int8, ${sizeLine(sizes)}`,
    `${calibration} pictures for calibration; of ${evaluated} held out ${agreeing}${share} have the same best class as in float.`,
    ...notes,
  ];
}

const sizeLine = ({ bytes, floatBytes }: Pick<Report, "bytes" | "floatBytes">) =>
  `${(bytes / 1e6).toFixed(1)} MB, ${(bytes / floatBytes).toFixed(3)} of f32's`;
