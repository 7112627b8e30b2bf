import { checkFields } from "../base/nearest.js";
import { type Found, readAsAssumed } from "../check/search.js";
import { judge } from "../check/verdict.js";
import { ImageDecodeError, OptionError, throwIfAborted, UnsupportedModelError } from "../errors.js";
import type { Network } from "../graph/network.js";
import type { Host } from "../host/host.js";
import type { Pixels } from "../image/index.js";
import { modelCard } from "../model/card.js";
import { preprocessFields, preprocessFor } from "../model/preprocess.js";
import { isResidual } from "../model/residual.js";
import { buildNetwork } from "../model/unusual/build.js";
import type { ModelSource } from "../options.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { QUANTIZATION } from "../weights/integers-format.js";
import { readSafetensors } from "../weights/safetensors.js";
import { type Cpu, onEngine } from "./engine.js";
import { floatBytes, writeNetwork } from "./file.js";
import { agreement } from "./measure.js";
import { type Quantized, quantizeNetwork, weightsOnly } from "./network.js";
import {
  dtypes,
  type PassedOver,
  type QuantizedFile,
  type QuantizeProgress,
  type QuantizeReport,
  type QuantizeSettings,
} from "./options.js";
import { inputOf, ofCrops, type Pictures, readPictures } from "./pictures.js";
import { computesInIntegers } from "./plan.js";
import { runRounded } from "./run.js";

/** Fewer tell nothing of a value's range. */
const LEAST = 4;
/** Fewer are said to be few. */
const ENOUGH = 16;

export type QuantizeHost = Pick<Host, "readPath" | "loadTorch" | "loadForeign"> & { readonly cpu: Cpu };

export interface Work extends QuantizeSettings {
  /** Pictures to calibrate on; null where none are given. */
  readonly images: Pictures | null;
  /** Pictures held out; null: some of the others are. */
  readonly held: Pictures | null;
  readonly signal?: AbortSignal | null | undefined;
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined;
  readonly onPassedOver?: ((picture: PassedOver) => void) | undefined;
}

/**
 * A model file with weights of fewer bytes, and how near its answers stay to float's. The same pixels give the same bytes. Throws
 * `OptionError` for pictures that are too few, `ImageDecodeError` where none could be decoded, `UnsupportedModelError` for a network
 * that integers do not help or that cannot be written.
 */
export async function quantizeModel(host: QuantizeHost, source: ModelSource, work: Work): Promise<QuantizedFile> {
  const { dtype = "int8", signal, calibration } = work;
  check(work);
  // Sums that all machines round alike: see `onEngine`.
  const cpu: Cpu = { simd: "baseline", ...host.cpu };
  const progress = (phase: QuantizeProgress["phase"]) => (loaded: number, total: number) => {
    throwIfAborted(signal);
    work.onProgress?.({ phase, loaded, total });
  };
  const fetched = progress("fetch");
  const load = {
    signal: signal ?? null,
    onProgress: (it: { loaded: number; total: number }) => fetched(it.loaded, it.total),
  };
  const { bytes, origin, files } = await readSource(host, source, load);
  const state = await readWeights(bytes, origin, host);
  if (state.metadata.has(QUANTIZATION)) {
    throw new UnsupportedModelError(`${origin} is of integers already; quantize the f32 file that it was made of.`);
  }
  if (state.build) {
    throw new UnsupportedModelError(
      `${origin} is an ONNX model, which states its graph and not a network's name; what is quantized here is a network by its tensors' names. Quantize the checkpoint that it was exported from.`,
    );
  }
  const card = modelCard(state, files);
  const { architecture, inputSize } = work;
  const network = buildNetwork(state, { architecture, inputSize, card });
  const preprocess = preprocessFor(network, card, work.preprocess);
  const written = { labels: work.labels ?? card.labels, preprocess };
  const isInt8 = dtype === "int8";
  if (isInt8 && !computesInIntegers(network)) {
    const { activation = "relu" } = network.architecture;
    const why = activation === "relu" ? "none reads what another one stores" : `each follows a ${activation}`;
    throw new UnsupportedModelError(
      `No convolution of this network could compute in integers: ${why}, and integers are clamped by a ReLU alone. Use dtype "int8-weights" or "f16": the file is smaller, and runs in float.`,
    );
  }

  const passedOver: PassedOver[] = [];
  const pictures = await readPictures(isInt8 ? work.images : null, {
    ...{ preprocess, calibration, evaluate: work.held ?? (isInt8 ? null : work.images) },
    onPicture: progress("pictures"),
    onFailed({ name: image }, error) {
      throwIfAborted(signal);
      const { name, message } = error as Error;
      const failed = { image, name, message };
      passedOver.push(failed);
      work.onPassedOver?.(failed);
    },
  });
  const { held } = pictures;
  if (isInt8) checkCount(pictures.calibration.length, passedOver);

  const made = isInt8 ? await inIntegers(network, pictures.calibration) : null;
  const smaller = made?.network ?? (dtype === "int8-weights" ? weightsOnly(network) : network);
  const file = writeNetwork(smaller, written, dtype === "bf16" ? "bf16" : "f16");
  // Weights that are only shorter are rounded in the writing.
  const changed = made?.network ?? buildNetwork(readSafetensors(file, "the file"), { inputSize: sizeOf(network) });
  const agreeing = held.length > 0 ? await agreeingOn(network, changed) : 0;
  const statistics = isInt8 ? await judged() : null;
  const whole = floatBytes(network);
  const report: QuantizeReport = {
    ...{ dtype, bytes: file.length, floatBytes: whole, ratio: file.length / whole },
    ...{ calibration: pictures.calibration.length, evaluated: held.length },
    ...{ agreeing, agreement: held.length > 0 ? agreeing / held.length : null },
    ...{ equalized: made?.equalized ?? false, corrected: made?.corrected ?? false, layers: made?.layers ?? [] },
    ...{ statistics, passedOver },
    notes: isInt8 ? notesOf(pictures.calibration.length, held.length, statistics) : [],
  };
  return { file, report };

  function inIntegers(float: Network, crops: readonly Pixels[]): Promise<Quantized> {
    const inputs = crops.map((it) => inputOf(it, preprocess));
    return quantizeNetwork(float, inputs, { cpu, signal, onProgress: work.onProgress });
  }

  async function agreeingOn(float: Network, other: Network): Promise<number> {
    let done = 0;
    const tell = progress("compare");
    const answersOf = (one: Network) =>
      onEngine(one, cpu, (inside) =>
        held.map((it) => {
          tell(++done, 2 * held.length);
          return runRounded(inside, one.values, inputOf(it, preprocess));
        }),
      );
    return agreement(await answersOf(float), await answersOf(other));
  }

  async function judged(): Promise<QuantizeReport["statistics"]> {
    // Of other networks no other readings are known.
    if (!isResidual(network)) return null;
    const told = progress("statistics");
    told(0, 1);
    const assumed = network;
    const found: Found = await readAsAssumed({
      ...{ build: () => assumed, assumed, preprocess: ofCrops(preprocess) },
      ...{ pictures: pictures.calibration, cpu },
    });
    told(1, 1);
    const { answer, reasons } = judge(found, pictures.calibration.length);
    return { answer, reasons };
  }
}

function sizeOf({ values, input }: Network): readonly [height: number, width: number] {
  const { height, width } = values[input]!;
  return [height, width];
}

function check({ dtype = "int8", images, calibration, preprocess }: Work): void {
  if (!dtypes.includes(dtype)) throw new OptionError(`dtype is "${dtype}"; it must be one of ${dtypes.join(", ")}.`);
  if (preprocess) checkFields(preprocess, preprocessFields, "preprocess option");
  if (calibration !== undefined && !(Number.isInteger(calibration) && calibration >= LEAST)) {
    throw new OptionError(`calibration is ${calibration}; it must be a whole number from ${LEAST}.`);
  }
  if (dtype === "int8" && (!images || images.length === 0)) {
    throw new OptionError(
      `No image to calibrate on; give ${ENOUGH} and more, of various kinds, or a dtype that needs none: int8-weights, f16, bf16.`,
    );
  }
}

function checkCount(count: number, passedOver: readonly PassedOver[]): void {
  if (count >= LEAST) return;
  const [first] = passedOver;
  if (count === 0 && first) {
    throw new ImageDecodeError(
      `No image to calibrate on could be read; the first, ${first.image}: ${first.message}. Give images that the network knows.`,
    );
  }
  throw new OptionError(
    `${count} image${count === 1 ? " is" : "s are"} too few to calibrate on; give ${ENOUGH} and more, of various kinds.`,
  );
}

function notesOf(calibration: number, evaluated: number, statistics: QuantizeReport["statistics"]): string[] {
  const notes: string[] = [];
  if (calibration < ENOUGH)
    notes.push(`${calibration} pictures are few to calibrate on; give ${ENOUGH} and more, of various kinds.`);
  if (evaluated === 0) notes.push("No picture was held out: nothing is known of others. Give some to evaluate on.");
  if (statistics && statistics.answer === "does not fit")
    notes.push(`The calibration pictures do not fit the model: ${statistics.reasons.join(" ")}`);
  return notes;
}
