import { writeFile } from "node:fs/promises";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { quantizeModel, type Work } from "../quantize/model.js";
import { dtypes, type QuantizeReport, type QuantizeType } from "../quantize/options.js";
import type { Pictures } from "../quantize/pictures.js";
import { checkOptions } from "../session/check-options.js";
import { decodeListed, listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { complain, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** Writes a model with weights of fewer bytes, and says how near its answers stay. Exit status 1: pictures that could not be read. */
export async function quantize(names: string[], options: Options): Promise<number> {
  if (names.length !== 1) throw new OptionError("quantize takes one model.");
  const { output, images, evaluate } = options;
  const dtype = (options.dtype ?? "int8") as QuantizeType;
  if (output === undefined) throw new OptionError("quantize needs --output FILE.");
  if (!dtypes.includes(dtype)) throw new OptionError(`--dtype is "${dtype}"; it must be one of ${dtypes.join(", ")}.`);
  if (dtype === "int8" && images === undefined) throw new OptionError("quantize needs --images DIR to calibrate on.");
  const named = { ...options, model: names[0]! };
  const load = await loadOptions(named);
  checkOptions(load);
  const { architecture, preprocess, labels, inputSize, threads, simd } = load;
  const { wasm, threadSupport } = nodeHost;
  const host = { ...nodeHost, cpu: { wasm, threadSupport, threads, ...(simd && { simd }) } };
  const work: Work = {
    ...{ dtype, architecture, preprocess, labels, inputSize },
    calibration: options.calibration === undefined ? undefined : number(options, "calibration"),
    images: images === undefined ? null : await listed(images),
    held: evaluate === undefined ? null : await listed(evaluate),
    onProgress: ({ phase, loaded, total }) => showProgress(`${phase} ${loaded}${total ? ` of ${total}` : ""}`),
    onPassedOver({ image, name, message }) {
      showProgress("");
      complain(`${image}: ${name}: ${message}`);
    },
  };
  const { file, report } = await quantizeModel(host, modelOf(named), work);
  showProgress("");
  await writeFile(output, file);
  if (options.json) sayJson({ file: output, ...report });
  else for (const line of lines(output, report)) say(line);
  return report.passedOver.length > 0 ? 1 : 0;
}

async function listed(folder: string): Promise<Pictures> {
  const images = await listImages([folder]);
  return {
    length: images.length,
    async at(index) {
      const image = images[index];
      return image ? { name: image.name, decode: () => decodeListed(image) } : null;
    },
  };
}

function lines(file: string, report: QuantizeReport): string[] {
  const { dtype, layers, calibration, evaluated, agreeing, agreement, statistics, notes } = report;
  const share = agreement === null ? "" : ` (${(100 * agreement).toFixed(1)} %)`;
  const size = `${file}: ${dtype}, ${(report.bytes / 1e6).toFixed(1)} MB, ${report.ratio.toFixed(3)} of f32's`;
  const held = `of ${evaluated} held out ${agreeing}${share} have the same best class as in float.`;
  if (dtype !== "int8")
    return [size, ...(evaluated > 0 ? [`${held[0]!.toUpperCase()}${held.slice(1)}`] : []), ...notes];
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
    size,
    `${calibration} pictures for calibration; ${held}`,
    ...(statistics ? [`Statistics of BatchNorm: ${statistics.answer}. ${statistics.reasons.join(" ")}`] : []),
    ...notes,
  ];
}
