import { fitOf } from "../check/fit.js";
import { type Found, type Reading, search } from "../check/search.js";
import { differences, judge, type Verdict } from "../check/verdict.js";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import type { Pixels } from "../image/index.js";
import { buildNetwork, modelCard, preprocessFor } from "../model/index.js";
import { asResidual } from "../model/residual.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { decodeListed, listImages } from "./images.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { complain, reason, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** More pictures tell little more, and wait in memory. */
const MOST_PICTURES = 100;
/** Readings that are shown. */
const SHOWN = 6;

/** Says whether structure and preprocessing fit the weights' own statistics. Exit status 1: they do not. */
export async function check(names: string[], options: Options): Promise<number> {
  const [first, ...others] = names;
  if (first === undefined && options.model === undefined) throw new OptionError("check needs a model and images.");
  const named = options.model === undefined ? { ...options, model: first! } : options;
  const images = await listImages(options.model === undefined ? others : names);
  const load = await loadOptions(named);
  const { bytes, origin, files } = await readSource(nodeHost, modelOf(named), load);
  const state = await readWeights(bytes, origin, nodeHost, load.inputSize);
  const card = modelCard(state, files);
  const build = (architecture: typeof load.architecture) =>
    asResidual(buildNetwork(state, { ...load, architecture, card }));
  const assumed = build(load.architecture);
  const preprocess = preprocessFor(assumed, card, load.preprocess);
  const pictures: Pixels[] = [];
  let failed = 0;
  const step = Math.max(1, images.length / MOST_PICTURES);
  for (let at = 0; at < images.length; at += step) {
    const image = images[Math.floor(at)]!;
    const { name } = image;
    showProgress(`${pictures.length + 1} of ${Math.min(images.length, MOST_PICTURES)}: ${name}`);
    try {
      pictures.push(await decodeListed(image));
    } catch (error) {
      failed++;
      showProgress("");
      const { name: kind, message } = reason(error);
      complain(`${name}: ${kind}: ${message}`);
    }
  }
  if (pictures.length === 0) throw new OptionError("No picture could be read; give images that the network knows.");
  const found = await search({
    build,
    assumed,
    preprocess,
    pictures,
    cpu: { ...load, wasm: nodeHost.wasm, threadSupport: nodeHost.threadSupport },
    onProgress: (tried) => showProgress(`${tried} readings tried`),
  });
  showProgress("");
  const verdict = judge(found, pictures.length);
  const layers = found.assumed.layers.map(fitOf);
  const { answer, reasons, alike } = verdict;
  if (options.json) {
    const plain = ({ layers: _, architecture, normalisation, ...rest }: Reading) => ({
      architecture,
      mean: normalisation.mean,
      std: normalisation.std,
      ...rest,
    });
    const readings = found.readings.map((it) => ({
      ...plain(it),
      alike: it === found.readings[0] || alike.includes(it),
    }));
    const result = {
      file: origin,
      pictures: pictures.length,
      answer,
      reasons,
      layers,
      assumed: plain(found.assumed),
      readings,
    };
    sayJson(result);
  } else for (const line of report(found, verdict, origin, pictures.length)) say(line);
  return answer === "does not fit" || failed > 0 ? 1 : 0;
}

function report(found: Found, { answer, reasons, alike }: Verdict, origin: string, pictures: number): string[] {
  const layers = found.assumed.layers.map(fitOf);
  const lines: string[] = [];
  if (layers.length > 0) {
    lines.push(
      ...table(
        ["BatchNorm after", "deviation", "spread", "distortion"],
        layers.map((it) => [it.name, it.deviation.toFixed(2), it.spread.toFixed(2), it.distortion.toFixed(2)]),
      ),
      "",
    );
  }
  lines.push(
    ...table(
      ["reading, best first", layers.length > 0 ? "distance" : "undecided", "certainty", ""],
      found.readings
        .slice(0, SHOWN)
        .map((it, index) => [
          it === found.assumed ? "as assumed" : differences(it, found.assumed).join(" ") || "as assumed",
          it.distance.toFixed(3),
          `${Math.round(100 * it.certainty)} %`,
          index === 0 || alike.includes(it) ? (alike.length > 0 ? "fits alike" : "") : "",
        ]),
    ),
  );
  const place = found.readings.indexOf(found.assumed) + 1;
  if (place > SHOWN)
    lines.push(`as assumed: ${found.assumed.distance.toFixed(3)}, number ${place} of ${found.readings.length}`);
  lines.push("", `${origin}, ${pictures} pictures: ${answer}.`, ...reasons);
  if (found.assumed.shifted)
    lines.push("Pictures were shifted over black, as training seems to have done: that is nearer.");
  return lines;
}
