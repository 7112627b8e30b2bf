import { ModelFormatError } from "../../errors.js";
import type { IntegerRows } from "../../graph/network.js";
import type { PackForm, PackJob } from "../program/program.js";

/** How bytes of weights lie in a panel of eight output channels: so many input channels side by side. */
export type Side = 4 | 2;

/** What turns sums into a layer's output: a factor for each channel, and a bias. Both in units of the output's step. */
export interface Requantization {
  /** Of the input. */
  readonly inputScale: number;
  /** Of the output; 1 where that is f32. */
  readonly outputScale: number;
}

/** Adding 1.5 * 2^23 rounds what lies within this. */
const MOST_STEPS = 2 ** 22;

/** Integer weights, a byte each, and behind them each panel's eight factors and eight biases. */
export function integerForm(rows: IntegerRows, side: Side, scales: Requantization): PackForm {
  return {
    channelBytes: (taps) => 8 * taps,
    biasBytes: 64,
    pack: (job, _, { memory }) => packIntegers(job, rows, side, scales, memory.buffer),
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
  buffer: ArrayBufferLike,
): Generator<number, void> {
  const { weight, bias, depth, taps, groups, groupOut } = job;
  const [channels, fileDepth] = weight.shape as [number, number];
  const groupRows = channels / groups;
  const panels = Math.ceil(groupOut / 8);
  const rowBytes = fileDepth * taps;
  const staging = new Uint8Array(8 * rowBytes);
  const panelBytes = depth * taps * 8;
  for (let index = 0; index < groups * panels; index++) {
    const group = Math.floor(index / panels);
    const begin = Math.min(group * groupRows + (index % panels) * 8, (group + 1) * groupRows);
    const end = Math.min(begin + 8, (group + 1) * groupRows);
    yield weight.needs?.(end) ?? 0;
    rows.read(begin, end, new Int8Array(staging.buffer));
    const panelAt = job.weightsAt + index * panelBytes;
    const panel =
      side === 4 ? new Int32Array(buffer, panelAt, panelBytes / 4) : new Int16Array(buffer, panelAt, panelBytes / 2);
    if (end - begin < 8 || depth > fileDepth) panel.fill(0);
    writePanel(staging, end - begin, side, job, panel);
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

/**
 * Writes the first `count` of eight rows, [I, taps], to their places in a panel, whose words are channels that lie side by side. Not a
 * part of the generator: that would be optimised anew each time it goes on.
 */
function writePanel(
  rows: Uint8Array,
  count: number,
  side: Side,
  { weight, depth, taps }: PackJob,
  panel: Int32Array | Int16Array,
): void {
  const channels = weight.shape[1]!;
  for (let row = 0; row < count; row++) {
    for (let tap = 0; tap < taps; tap++) {
      let at = row * channels * taps + tap;
      let to = (tap * depth * 8) / side + row;
      let channel = 0;
      for (; channel + side <= channels; channel += side, to += 8) {
        let word = rows[at]! | (rows[at + taps]! << 8);
        at += 2 * taps;
        if (side === 4) {
          word |= (rows[at]! << 16) | (rows[at + taps]! << 24);
          at += 2 * taps;
        }
        panel[to] = word;
      }
      if (channel === channels) continue;
      let word = 0;
      for (let shift = 0; channel < channels; channel++, at += taps, shift += 8) word |= rows[at]! << shift;
      panel[to] = word;
    }
  }
}

function refuse(channel: number, most: number): never {
  throw new ModelFormatError(
    `Channel ${channel} of a quantised layer could reach ${most.toExponential(1)} steps of its output's scale, of which 127 are kept: its scales do not belong together.`,
  );
}
