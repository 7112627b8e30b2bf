import { ConvField, Field, Kernel, ReluBit, Tile } from "../../../assembly/shared/record.js";
import type { ConvOp, IntegerRows } from "../../graph/network.js";
import { zeroOf } from "../../graph/quantization.js";
import { paddedIntegers } from "../../graph/tensor.js";
import { window } from "../lower/lower.js";
import { neededBy } from "../pack/weights.js";
import type { Drafts } from "../program/drafts.js";
import type { PackForm } from "../program/program.js";
import { push } from "./lower.js";
import { packScales, type Requantization } from "./pack.js";

/** Rows of a window that a dot product takes at once: four bytes, or two words of sixteen bits. */
type Side = 4 | 2;

/** Windows of eight channels, [column][rows / side][8][side], with zeros for rows that are not there; then factors and biases. */
function columnsForm(rows: IntegerRows, kernel: number, side: Side, scales: Requantization): PackForm {
  const sides = Math.ceil(kernel / side);
  return {
    channelBytes: () => kernel * sides * 8 * side,
    biasBytes: 64,
    *pack(job, _, { memory: { buffer } }) {
      const { weight, groupOut, weightsAt } = job;
      const channels = weight.shape[0]!;
      const taps = kernel * kernel;
      yield neededBy(weight, channels);
      const bytes = new Int8Array(channels * taps);
      rows.read(0, channels, bytes);
      const block = kernel * sides * 8 * side;
      const target = new Int8Array(buffer, weightsAt, (groupOut / 8) * block).fill(0);
      for (let channel = 0; channel < channels; channel++) {
        const to = (channel >> 3) * block + (channel & 7) * side;
        for (let tap = 0; tap < taps; tap++) {
          const [row, column] = [Math.floor(tap / kernel), tap % kernel];
          const at = (column * sides + Math.floor(row / side)) * 8 * side + (row % side);
          target[to + at] = bytes[channel * taps + tap]!;
        }
      }
      yield* packScales(job, rows, scales, new Int32Array(channels), buffer);
    },
  };
}

/** A filter for each channel. */
export const isDepthwise = ({ groups, weight }: ConvOp): boolean =>
  groups > 1 && groups === weight.shape[0] && weight.shape[1] === 1;

/** False where there is no kernel on integers. */
export function lowerDepthwise(drafts: Drafts, op: ConvOp): boolean {
  const rows = op.weight.int8;
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const [from, to] = [input.quantization, output.quantization];
  const [kernel] = op.kernel;
  const [stride] = op.stride;
  const [top, left] = op.padding;
  const fits =
    op.inputs.length === 1 &&
    op.kernel[1] === kernel &&
    op.stride[1] === stride &&
    op.dilation.every((step) => step === 1) &&
    (kernel === 3 || kernel === 5) &&
    (stride === 1 || stride === 2) &&
    Math.max(top, left) < kernel;
  if (!rows || !from || !to || !fits || (from.type !== "u7" && from.type !== "u8")) return false;
  // The dot product of bytes takes 0..127 alone.
  const tile = from.type === "u8" ? Tile.qs8_wide : drafts.options.integers!.tile;
  const groupOut = paddedIntegers(output.channels);
  drafts.needScratch(input.width * groupOut);
  const scales: Requantization = {
    ...{ inputScale: from.scale, outputScale: to.scale, inputZero: 0, outputZero: zeroOf(to) },
  };
  const form = columnsForm(rows, kernel, tile === Tile.qs8_wide ? 2 : 4, scales);
  const weights = drafts.addWeights(op, { form, depth: 1, taps: kernel * kernel, groupOut });
  const words = {
    [Field.tile]: tile,
    [Field.relu]: to.type === "s8" ? 0 : ReluBit.isZero,
    ...window(op),
    [ConvField.dilationHeight]: 1,
    [ConvField.dilationWidth]: 1,
  };
  push(drafts, op, Kernel.qs8Depthwise, "qs8_depthwise", output.height, words, weights);
  return true;
}
