import type { ConvOp, ValueShape } from "../../graph/network.js";
import type { TileName } from "./tiles.js";

/** How a convolution is computed; the names are the kernels' in assembly/. */
export type ConvKernel =
  | "f32_conv"
  | "f32_conv1x1_strassen"
  | "f32_conv3x3s1_winograd4"
  | "f32_conv3x3s1_winograd4_lean"
  | "f32_conv3x3s1_winograd2"
  | "f32_conv3x3s2_winograd4_lean";

/** Kernels by shape (`shapeOf`), where they were measured. */
export type KernelChoices = Readonly<Record<string, ConvKernel>>;

export interface ChoiceOptions {
  readonly kernels?: KernelChoices | undefined;
  readonly memory: "fast" | "small";
  readonly convolution: "auto" | "direct" | "winograd2" | "winograd4" | "winograd4-lean";
  /** Of the matrix product, where it is known. */
  readonly tile?: TileName | undefined;
}

/** What a choice depends on, for measurements that are kept. */
export function shapeOf(op: ConvOp, output: ValueShape): string {
  return [...op.weight.shape, ...op.stride, ...op.dilation, op.groups, output.height, output.width].join();
}

/**
 * The table's choice, and what may beat it on some machines: those differ in how fast weights come from memory. Elsewhere
 * one kernel won everywhere. Only what the memory setting has room for.
 */
export function contenders(op: ConvOp, output: ValueShape, options: ChoiceOptions): ConvKernel[] {
  const first = chooseConvKernel(op, output, options);
  if (options.convolution !== "auto" || options.memory === "small") return [first];
  if (!isPlain3x3(op)) return [first];
  const smallest = Math.min(output.height, output.width);
  const others: ConvKernel[] = [];
  if (op.stride[0] === 2) {
    if (smallest > 2 && smallest <= 8) others.push("f32_conv3x3s2_winograd4_lean", "f32_conv");
  } else if (smallest > 8 && smallest <= 32) others.push("f32_conv3x3s1_winograd4", "f32_conv3x3s1_winograd4_lean");
  else if (smallest > 2 && smallest <= 8) others.push("f32_conv3x3s1_winograd2", "f32_conv3x3s1_winograd4_lean");
  return [first, ...others.filter((it) => it !== first)];
}

/**
 * The table: which kernel computes a convolution of this shape. Kernels never look at hardware or shapes to choose.
 *
 * F(4x4) needs a quarter of the multiplications and four times the weight bytes, F(2x2) 4/9 and 16/9. On images of 16x16
 * and less F(4x4)'s weights would be read for a handful of tiles, so that memory, not arithmetic, set its pace: there they
 * are transformed as they are needed.
 */
export function chooseConvKernel(op: ConvOp, output: ValueShape, options: ChoiceOptions): ConvKernel {
  if (options.convolution === "direct") return "f32_conv";
  if (isLarge1x1(op, output)) return chooseLarge1x1(options);
  if (!isPlain3x3(op)) return "f32_conv";
  const measured = options.kernels?.[shapeOf(op, output)];
  if (measured && options.convolution === "auto") return measured;
  if (op.stride[0] === 2) return chooseStride2(output, options);
  if (options.convolution === "winograd2") return "f32_conv3x3s1_winograd2";
  if (options.convolution === "winograd4") return "f32_conv3x3s1_winograd4";
  if (options.convolution === "winograd4-lean") return "f32_conv3x3s1_winograd4_lean";
  const smallest = Math.min(output.height, output.width);
  if (smallest < 3) return "f32_conv";
  if (options.memory === "small") return "f32_conv3x3s1_winograd4_lean";
  return smallest > 16 || op.weight.shape[0]! <= 128 ? "f32_conv3x3s1_winograd4" : "f32_conv3x3s1_winograd4_lean";
}

/** As `chooseConvKernel`, for the convolution that reads the image: few channels, planes as the caller has them. */
export function chooseStemKernel(op: ConvOp, options: ChoiceOptions): "f32_conv" | "f32_conv7x7s2_winograd4" {
  const applies =
    [...op.kernel, ...op.stride, ...op.dilation, op.groups, op.inputs.length].join() === "7,7,2,2,1,1,1,1";
  return applies && options.convolution !== "direct" ? "f32_conv7x7s2_winograd4" : "f32_conv";
}

/** F(4x4) over the phases of a stride of 2, whose filters would grow by 81/9, is always made as it is needed. */
function chooseStride2(output: ValueShape, { convolution }: ChoiceOptions): ConvKernel {
  if (convolution === "winograd2") return "f32_conv";
  return convolution === "auto" && Math.min(output.height, output.width) < 3
    ? "f32_conv"
    : "f32_conv3x3s2_winograd4_lean";
}

/** The products of halves are of eight columns: where pairs of vectors fuse, the direct kernel's sixteen are far faster. */
function chooseLarge1x1({ memory, convolution, tile }: ChoiceOptions): ConvKernel {
  return memory === "fast" && convolution === "auto" && tile !== "6x16" ? "f32_conv1x1_strassen" : "f32_conv";
}

/** Of halves that are worth adding up to save an eighth of the multiplications. */
function isLarge1x1(op: ConvOp, output: ValueShape): boolean {
  const [out, channels] = op.weight.shape as [number, number];
  return (
    [...op.kernel, ...op.padding, op.groups].join() === "1,1,0,0,0,0,1" &&
    Math.min(out, channels) >= 64 &&
    out % 16 === 0 &&
    channels % 16 === 0 &&
    output.height * output.width >= 48
  );
}

/** Not dilated, not grouped, a stride of 1 or 2. */
function isPlain3x3(op: ConvOp): boolean {
  const [stride] = op.stride;
  return (
    [...op.kernel, ...op.dilation, op.groups].join() === "3,3,1,1,1" &&
    op.stride[1] === stride &&
    (stride === 1 || stride === 2)
  );
}
