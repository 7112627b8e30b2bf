import { ModelFormatError } from "../../errors.js";
import type { IntegerRows } from "../../graph/network.js";
import type { Kernels } from "../module.js";
import type { PackForm, PackJob, Program } from "../program/program.js";
import { MOST_PRODUCTS, MOST_STEPS } from "./exact.js";

/** How bytes of weights lie in a panel of eight output channels: so many input channels side by side. */
export type Side = 4 | 2;

/** What turns sums into a layer's output: a factor for each channel, and a bias. Both in units of the output's step. */
export interface Requantization {
  /** Of the input. */
  readonly inputScale: number;
  /** Of the output; 1 where that is f32. */
  readonly outputScale: number;
}

/** Integer weights, a byte each, and behind them each panel's eight factors and eight biases, and what each has for `outliers`, in bytes. */
export function integerForm(rows: IntegerRows, side: Side, scales: Requantization, outliers = 0): PackForm {
  return {
    channelBytes: (taps) => 8 * taps,
    biasBytes: 64 + outliers,
    side,
    pack: (job, program, kernels) => packIntegers(job, rows, side, scales, outliers, program, kernels),
  };
}

/**
 * Writes integer weights, [O, I, taps], to panels of eight output channels, [group][panel][tap][I / side][8][side], with zeros for channels
 * that are not there; then each panel's eight factors and eight biases. Before each panel it yields how much of the file must be here.
 */
function* packIntegers(
  job: PackJob,
  rows: IntegerRows,
  side: Side,
  { inputScale, outputScale }: Requantization,
  outliers: number,
  { stagingAt }: Program,
  kernels: Kernels,
): Generator<number, void> {
  const { weight, bias, depth, taps, groups, groupOut } = job;
  const [channels, fileDepth] = weight.shape as [number, number];
  const groupRows = channels / groups;
  const panels = Math.ceil(groupOut / 8);
  const rowBytes = fileDepth * taps;
  if (rowBytes > MOST_PRODUCTS)
    throw new ModelFormatError(
      `A quantised layer sums ${rowBytes} products; 32 bits hold ${MOST_PRODUCTS}. Run it with precision: "f32".`,
    );
  const { buffer } = kernels.memory;
  const panelBytes = depth * taps * 8;
  for (let index = 0; index < groups * panels; index++) {
    const group = Math.floor(index / panels);
    const begin = Math.min(group * groupRows + (index % panels) * 8, (group + 1) * groupRows);
    const end = Math.min(begin + 8, (group + 1) * groupRows);
    yield weight.needs?.(end) ?? 0;
    rows.read(begin, end, new Int8Array(buffer, stagingAt, 8 * rowBytes));
    const panelAt = job.weightsAt + index * panelBytes;
    if (end - begin < 8 || depth > fileDepth) new Uint8Array(buffer, panelAt, panelBytes).fill(0);
    const outliersAt = outliers && job.biasAt + 64 * groups * panels + index * outliers;
    kernels.packIntegers(stagingAt, panelAt, end - begin, fileDepth, taps, depth, side, outliersAt);
  }
  yield Math.max(rows.scales.needs ?? 0, bias?.needs ?? 0);
  const table = new Float32Array(buffer, job.biasAt, groups * panels * 16).fill(0);
  const scales = rows.scales.read();
  const biases = bias?.read();
  for (let channel = 0; channel < channels; channel++) {
    const group = Math.floor(channel / groupRows);
    const within = channel % groupRows;
    const at = (group * panels + (within >> 3)) * 16 + (within & 7);
    table[at] = (inputScale * scales[channel]!) / outputScale;
    table[at + 8] = (biases?.[channel] ?? 0) / outputScale;
    const most = 255 * 127 * rowBytes * table[at]! + Math.abs(table[at + 8]!);
    if (outputScale !== 1 && !(most < MOST_STEPS)) refuse(channel, most);
  }
}

function refuse(channel: number, most: number): never {
  throw new ModelFormatError(
    `Channel ${channel} of a quantised layer could reach ${most.toExponential(1)} steps of its output's scale, of which 127 are kept: its scales do not belong together.`,
  );
}
