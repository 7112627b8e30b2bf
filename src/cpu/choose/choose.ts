import type { ConvOp, Graph } from "../../graph/network.js";
import { direct } from "../kernels/direct.js";
import type { ConvKernel } from "../kernels/kernel.js";
import { stem7x7 } from "../kernels/stem.js";
import { strassen } from "../kernels/strassen.js";
import { winograd2, winograd4 } from "../kernels/winograd.js";
import { lean, strided } from "../kernels/winograd-lean.js";
import type { ChoiceOptions } from "../program/program.js";

/** Whether a kernel that fits should compute a convolution of so many output channels, whose output's smaller side is so long. */
type When = (
  convolution: ChoiceOptions["convolution"],
  side: number,
  outputs: number,
  { memory, tile }: ChoiceOptions,
) => boolean;

const always: When = () => true;

/**
 * The table: the first row applies whose kernel fits. Kernels never look at hardware or shapes to choose.
 *
 * Products of halves are of eight columns: where pairs of vectors fuse, the direct kernel's sixteen are far faster.
 * F(4x4) needs a quarter of the multiplications and four times the weight bytes, F(2x2) 4/9 and 16/9. On images of 16x16
 * and less F(4x4)'s weights would be read for a handful of tiles, so that memory, not arithmetic, set its pace: there they
 * are transformed as they are needed. So they always are over the phases of a stride of 2, whose filters would grow by 81/9.
 */
const table: readonly (readonly [ConvKernel, When])[] = [
  [stem7x7, (convolution) => convolution !== "direct"],
  [strassen, (convolution, _, __, { memory, tile }) => convolution === "auto" && memory === "fast" && tile !== "6x16"],
  [winograd2, (convolution) => convolution === "winograd2"],
  [winograd4, (convolution) => convolution === "winograd4"],
  [lean, (convolution) => convolution === "winograd4-lean"],
  [strided, (convolution) => convolution === "winograd4" || convolution === "winograd4-lean"],
  [direct, (convolution, side) => convolution !== "auto" || side < 3],
  [strided, always],
  [winograd4, (_, side, outputs, { memory }) => memory === "fast" && (side > 16 || outputs <= 128)],
  [lean, always],
  [direct, always],
];

/** Which kernel computes a convolution: what was measured for its shape, where that is known, else the table's. */
export function chooseConvKernel(op: ConvOp, network: Graph, options: ChoiceOptions): ConvKernel {
  const fitting = table.filter(([kernel]) => kernel.fits(op, network));
  const measured = options.convolution === "auto" && options.kernels?.[shapeOf(op, network)];
  const [side, outputs] = [sideOf(op, network), op.weight.shape[0]!];
  const row =
    (measured && fitting.find(([{ name }]) => name === measured)) ||
    fitting.find(([, when]) => when(options.convolution, side, outputs, options));
  return row![0];
}

/**
 * The table's choice, and what may beat it on some machines: those differ in how fast weights come from memory. Elsewhere
 * one kernel won everywhere. Only what the memory setting has room for.
 */
export function contenders(op: ConvOp, network: Graph, options: ChoiceOptions): ConvKernel[] {
  const first = chooseConvKernel(op, network, options);
  const side = sideOf(op, network);
  if (options.convolution !== "auto" || options.memory === "small" || side < 3 || side > 32) return [first];
  const others = side > 8 ? [winograd4, lean] : strided.fits(op, network) ? [strided, direct] : [winograd2, lean];
  return [first, ...others.filter((it) => it !== first && it.fits(op, network))];
}

/** Every kernel of the table. */
export const kernels = (): ConvKernel[] => [...new Set(table.map(([kernel]) => kernel))];

/** What a choice depends on, for measurements that are kept. */
export function shapeOf(op: ConvOp, network: Graph): string {
  const { height, width } = network.values[op.output]!;
  return [...op.weight.shape, ...op.stride, ...op.dilation, op.groups, height, width].join();
}

function sideOf(op: ConvOp, network: Graph): number {
  const { height, width } = network.values[op.output]!;
  return Math.min(height, width);
}
