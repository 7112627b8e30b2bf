import type { Network } from "../../src/graph/network.js";
import { preprocess } from "../../src/image/index.js";
import { defaultPreprocess } from "../../src/model/index.js";
import { type Quantized, quantizeNetwork } from "../../src/quantize/network.js";
import { calibrated, pictures } from "../check/fixture.js";
import { wasm } from "../cpu/engine.js";

export const cpu = { wasm, threads: 1 };
export const card = { labels: null, preprocess: defaultPreprocess(32, "3x3") };
export const float: Network = calibrated();
export const inputs = pictures.map((picture) => preprocess(picture, card.preprocess));

let made: Promise<Quantized> | undefined;
/** Of the first 16 pictures; made once. */
export function quantized(): Promise<Quantized> {
  made ??= quantizeNetwork(float, inputs.slice(0, 16), { cpu });
  return made;
}
