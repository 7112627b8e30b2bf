import { Field, Kernel } from "../../assembly/record.js";
import type { ConvOp, LinearOp, Network, Op, ValueId, ValueShape, Weight } from "../model/network.js";
import { elementCount, paddedChannels } from "../tensor.js";
import { align, type Lifetime, planArena } from "./arena.js";
import { type ChoiceOptions, chooseConvKernel, chooseStemKernel } from "./choose.js";
import { densify } from "./densify.js";

/** How weights lie in wasm memory; each kernel reads one form. */
export type PackForm =
  | "panels"
  | "strassen"
  | "winograd4"
  | "winograd2"
  | "stem7x7"
  | "stride2winograd4"
  | "stride2winograd2";

/** Packed weights of one record, and how to make them. */
export interface PackJob {
  readonly weight: Weight;
  readonly bias: Float32Array | null;
  readonly form: PackForm;
  /** Input channels that one tap reads, with padding; the file's own count may be less. */
  readonly depth: number;
  readonly taps: number;
  readonly groups: number;
  /** Padded output channels of a group. */
  readonly groupOut: number;
  readonly weightsAt: number;
  readonly biasAt: number;
}

/** One record with what reports need to know of it. */
export interface Step {
  readonly stage: number;
  readonly name: string;
  readonly kernel: string;
  /** Multiply-accumulates of the direct algorithm: what the user asked for, not what the kernel does. */
  readonly macs: number;
}

/** A network compiled for the interpreter: everything but the weights' values. */
export interface Program {
  readonly records: Int32Array;
  readonly steps: readonly Step[];
  /** Records [begin, end) of each stage. */
  readonly stages: readonly { readonly begin: number; readonly end: number }[];
  /** Where each stage reads its input and leaves its output: address and f32 elements. */
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  readonly jobs: readonly PackJob[];
  readonly affines: readonly { scale: Float64Array; shift: Float64Array; scaleAt: number; shiftAt: number }[];
  readonly recordsAt: number;
  readonly syncAt: number;
  readonly scratchAt: number;
  /** Of one thread. */
  readonly scratchBytes: number;
  /** A region that is free while weights are packed. */
  readonly stagingAt: number;
  readonly bytes: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
}

export interface Place {
  readonly at: number;
  readonly length: number;
}

export interface CompileOptions extends ChoiceOptions {
  readonly threads: number;
}

/** Below this the module's own constants may lie. */
export const RESERVED_BYTES = 4096;
const SYNC_BYTES = 320;
/** V and M of a group of Winograd tiles should stay in a core's second-level cache beside a part of the weights. */
const WINOGRAD_SCRATCH_BYTES = 768 * 1024;
/** Threads take groups of at least so many tiles, or else share each phase. */
const WINOGRAD_TILES = 12;
/** The same of a stride of 2, whose weights are read once a group. */
const STRIDE2_SCRATCH_BYTES = 2600 * 1024;
/** Winograd tiles that share a filter while it is transformed. */
const LEAN_TILES = 16;
/** Padded rows of the image in a piece of a stem's input. */
const STEM_ROWS = 16;
/** Input rows of a piece of direct convolution, likewise: the more of them, the less often its weights are read. */
const CONV_ROWS_BYTES = 512 * 1024;
/** Gathered factors of a piece of Strassen's products. */
const STRASSEN_ROWS_BYTES = 1024 * 1024;
/** Pieces of work for each thread, so that one that was held up does not hold up the others. */
const PIECES_PER_THREAD = 4;

/** To gather a row takes as long as to multiply it with so many panels; to fetch a panel, as to multiply it with so many rows. */
const GATHER_PANELS = 1.5;
const PANEL_ROWS = 2;

type Words = Partial<Record<keyof typeof Field, number>>;

/** A record before addresses are known: fields that name values or weights are filled in when the layout is. */
interface Draft {
  readonly step: Step;
  readonly words: Words;
  readonly input?: number;
  readonly output?: number;
  readonly residual?: number | null;
  readonly transformed?: number | undefined;
  readonly products?: number;
  readonly weights?: number;
  readonly affine?: number;
}

interface WeightDraft {
  readonly weight: Weight;
  readonly bias: Float32Array | null;
  readonly form: PackForm;
  readonly depth: number;
  readonly taps: number;
  readonly groups: number;
  readonly groupOut: number;
  readonly bytes: number;
}

/** An area of the arena: a network value, or a buffer that one operation needs between its records. */
interface Area {
  bytes: number;
  first: number;
  last: number;
}

export function compile(network: Network, options: CompileOptions): Program {
  return new Compiler(network, options).compile();
}

class Compiler {
  private readonly drafts: Draft[] = [];
  private readonly weights: WeightDraft[] = [];
  private readonly affines: { scale: Float64Array; shift: Float64Array; channels: number }[] = [];
  private readonly areas: Area[] = [];
  /** Area of each network value. */
  private readonly areaOf: number[] = [];
  private scratchBytes = 0;
  private widest = 0;
  private stage = 0;

  constructor(
    private readonly network: Network,
    private readonly options: CompileOptions,
  ) {}

  compile(): Program {
    const { network } = this;
    for (const shape of network.values) {
      this.areaOf.push(this.area(4 * valueLength(shape)));
      this.widest = Math.max(this.widest, paddedChannels(shape.channels));
    }
    const stages: { begin: number; end: number }[] = [];
    for (const [index, stage] of network.stages.entries()) {
      this.stage = index;
      const begin = this.drafts.length;
      for (const op of stage.ops) this.lower(op);
      stages.push({ begin, end: this.drafts.length });
    }
    this.trackLifetimes(stages);
    return this.layOut(stages);
  }

  private area(bytes: number): number {
    return this.areas.push({ bytes, first: Number.POSITIVE_INFINITY, last: -1 }) - 1;
  }

  private shape(value: ValueId): ValueShape {
    return this.network.values[value]!;
  }

  private step(op: Op, kernel: string, macs = 0): Step {
    return { stage: this.stage, name: op.name, kernel, macs };
  }

  private lower(op: Op): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const image: Words = {
      inHeight: input.height,
      inWidth: input.width,
      inStep: paddedChannels(input.channels),
      outHeight: output.height,
      outWidth: output.width,
      outStep: paddedChannels(output.channels),
      channels: input.channels,
    };
    const places = { input: this.areaOf[op.input]!, output: this.areaOf[op.output]! };
    switch (op.kind) {
      case "conv":
        if (op.input === this.network.input) this.lowerStem(op);
        else this.lowerConv(op);
        return;
      case "linear":
        this.lowerLinear(op);
        return;
      case "maxPool":
      case "averagePool":
        this.drafts.push({
          step: this.step(op, op.kind === "maxPool" ? "f32_max_pool" : "f32_average_pool"),
          words: {
            ...image,
            ...window(op),
            kernel: op.kind === "maxPool" ? Kernel.maxPool : Kernel.averagePool,
            tiles: output.height,
            countPadding: op.kind === "averagePool" && op.countPadding ? 1 : 0,
          },
          ...places,
        });
        return;
      case "globalAveragePool":
        this.drafts.push({
          step: this.step(op, "f32_average_pool"),
          words: {
            ...image,
            kernel: Kernel.averagePool,
            tiles: 1,
            kernelHeight: input.height,
            kernelWidth: input.width,
            strideHeight: 1,
            strideWidth: 1,
          },
          ...places,
        });
        return;
      case "batchNorm":
        this.affines.push({ scale: op.scale, shift: op.shift, channels: paddedChannels(input.channels) });
        this.drafts.push({
          step: this.step(op, "f32_affine"),
          words: { ...image, kernel: Kernel.affine, tiles: input.height, relu: op.relu ? 1 : 0 },
          ...places,
          affine: this.affines.length - 1,
        });
        return;
      case "relu":
        this.drafts.push({
          step: this.step(op, "f32_relu"),
          words: { ...image, kernel: Kernel.affine, tiles: input.height, relu: 1 },
          ...places,
        });
        return;
      case "add":
        this.drafts.push({
          step: this.step(op, "f32_add"),
          words: { ...image, kernel: Kernel.add, tiles: input.height, relu: op.relu ? 1 : 0 },
          ...places,
          residual: this.areaOf[op.other]!,
        });
        return;
      case "zeroPadShortcut":
        this.drafts.push({
          step: this.step(op, "f32_zero_pad_shortcut"),
          words: {
            ...image,
            kernel: Kernel.zeroPadShortcut,
            tiles: output.height,
            strideHeight: op.stride,
            strideWidth: op.stride,
            before: op.before,
          },
          ...places,
        });
        return;
      case "softmax":
        this.drafts.push({
          step: this.step(op, "f32_softmax"),
          words: { ...image, kernel: Kernel.softmax, tiles: 1 },
          ...places,
        });
    }
  }

  /**
   * The first convolution reads the caller's planes: they are interleaved into rows with a border of zeros, so that the
   * taps of one kernel row are contiguous and three channels need no padding to four.
   */
  private lowerStem(op: ConvOp): void {
    if (chooseStemKernel(op, this.options) === "f32_conv7x7s2_winograd4x1") {
      this.stem7x7(op);
      return;
    }
    const input = this.shape(op.input);
    const [padHeight, padWidth] = op.padding;
    const height = input.height + 2 * padHeight;
    const width = input.width + 2 * padWidth;
    const rowsTogether = op.dilation[1] === 1;
    const step = rowsTogether ? input.channels : paddedChannels(input.channels);
    const padded = this.area(4 * height * width * step);
    this.areas[this.areaOf[op.input]!]!.bytes = 4 * input.channels * input.height * input.width;
    this.drafts.push({
      step: this.step(op, "f32_input_nchw"),
      words: {
        kernel: Kernel.inputNchw,
        tiles: height,
        inHeight: input.height,
        inWidth: input.width,
        outHeight: height,
        outWidth: width,
        outStep: step,
        padHeight,
        padWidth,
        channels: input.channels,
      },
      input: this.areaOf[op.input]!,
      output: padded,
    });
    const layout = { height, width, step, area: padded };
    const dense = op.groups === 1 ? op : densify(op);
    if (rowsTogether) this.direct(dense, layout, [op.kernel[0], 1], step * op.kernel[1], op.kernel[1]);
    else this.direct(dense, layout, op.kernel, step, 1);
  }

  /** The same border and interleaving, with the transform of minimal filtering along rows. */
  private stem7x7(op: ConvOp): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const outStep = paddedChannels(output.channels);
    const panels = Math.ceil(outStep / 8);
    const tilesWide = Math.ceil(output.width / 4);
    const quads = Math.ceil(tilesWide / 4);
    const rows = 2 * (output.height - 1) + 7;
    const transformed = this.area(quads * rows * input.channels * 13 * 16);
    this.areas[this.areaOf[op.input]!]!.bytes = 4 * input.channels * input.height * input.width;
    const weights = this.addWeights(
      op.weight,
      op.bias,
      "stem7x7",
      input.channels,
      49,
      1,
      outStep,
      panels * 13 * 7 * input.channels * 32,
    );
    const words: Words = { channels: input.channels, tilesWide };
    this.needScratch(Math.max(256 + 4 * (quads * 32 + 8), 7 * (quads * outStep * 16 + 64)));
    this.drafts.push({
      step: this.step(op, "f32_conv7x7s2_winograd4x1_input"),
      words: {
        ...words,
        kernel: Kernel.stemInput,
        tiles: Math.ceil(rows / STEM_ROWS),
        rowsPerTile: STEM_ROWS,
        inHeight: input.height,
        inWidth: input.width,
        outHeight: rows,
        padHeight: op.padding[0],
        padWidth: op.padding[1],
      },
      input: this.areaOf[op.input]!,
      output: transformed,
    });
    this.drafts.push({
      step: this.step(op, "f32_conv7x7s2_winograd4x1", convMacs(op, output)),
      words: {
        ...words,
        kernel: Kernel.stem,
        tiles: output.height,
        relu: op.relu ? 1 : 0,
        inHeight: rows,
        outHeight: output.height,
        outWidth: output.width,
        outStep,
        kernelHeight: 7,
        strideHeight: 2,
        panels,
      },
      input: transformed,
      output: this.areaOf[op.output]!,
      weights,
    });
  }

  private lowerConv(op: ConvOp): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const kernel = chooseConvKernel(op, output, this.options);
    if (kernel === "f32_conv3x3s1_winograd4_lean") {
      this.winogradLean(op);
      return;
    }
    if (kernel === "f32_conv1x1_strassen") {
      this.strassen(op);
      return;
    }
    if (kernel !== "f32_conv") {
      const outputTile = kernel.endsWith("4") ? 4 : 2;
      if (op.stride[0] === 2) this.winogradStride2(op, outputTile);
      else this.winograd(op, outputTile);
      return;
    }
    const step = paddedChannels(input.channels);
    const layout = { height: input.height, width: input.width, step, area: this.areaOf[op.input]! };
    const dense = op.groups === 1 ? op : widthsFit(op, input.channels, output.channels) ? op : densify(op);
    const depth = dense.groups === 1 ? step : input.channels / op.groups;
    this.direct(dense, layout, op.kernel, depth, 1, op.padding);
  }

  private strassen(op: ConvOp): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const inStep = paddedChannels(input.channels);
    const outStep = paddedChannels(output.channels);
    const panels = outStep / 8;
    const rows = output.height * output.width;
    const { threads } = this.options;
    const fitting = Math.floor(STRASSEN_ROWS_BYTES / (7 * inStep)) + 1;
    const pieces = Math.max(Math.ceil(rows / fitting), threads === 1 ? 1 : PIECES_PER_THREAD * threads);
    // Halves of whole tiles of four or six rows, but for the last piece.
    const rowsPerTile = Math.ceil(Math.ceil(rows / pieces) / 24) * 24;
    const half = rowsPerTile / 2;
    const factors = 7 * (2 * (half + 3) * inStep + 64) + 4 * (2 * half * inStep + 64);
    this.needScratch(4 * (half + 18) + factors + 7 * (256 * half + 64));
    const weights = this.addWeights(op.weight, op.bias, "strassen", inStep, 1, 1, outStep, 7 * inStep * outStep);
    this.drafts.push({
      step: this.step(op, "f32_conv1x1_strassen", convMacs(op, output)),
      words: {
        kernel: Kernel.strassen,
        tiles: Math.ceil(rows / rowsPerTile),
        relu: op.relu ? 1 : 0,
        inWidth: input.width,
        inStep,
        outHeight: output.height,
        outWidth: output.width,
        outStep,
        strideHeight: op.stride[0],
        strideWidth: op.stride[1],
        depth: inStep,
        panels,
        rowsPerTile,
      },
      input: this.areaOf[op.input]!,
      output: this.areaOf[op.output]!,
      residual: op.residual === null ? null : this.areaOf[op.residual]!,
      weights,
    });
  }

  /** `columns`: kernel columns that lie within one tap's depth. */
  private direct(
    op: ConvOp,
    from: { height: number; width: number; step: number; area: number },
    kernel: readonly [number, number],
    depth: number,
    columns: number,
    padding: readonly [number, number] = [0, 0],
  ): void {
    const output = this.shape(op.output);
    const [outChannels] = op.weight.shape as [number];
    const groupOut = op.groups === 1 ? paddedChannels(outChannels) : outChannels / op.groups;
    const groupPanels = Math.ceil(groupOut / 8);
    const panels = groupPanels * op.groups;
    const taps = kernel[0] * kernel[1];
    const rows = output.height * output.width;
    const { rowsPerTile, panelsPerTile } = this.pieces(rows, panels, taps * depth * 4);
    this.needScratch(4 * rowsPerTile * taps * (1 + depth));
    const weights = this.addWeights(
      op.weight,
      op.bias,
      "panels",
      depth / columns,
      taps * columns,
      op.groups,
      groupOut,
      panels * taps * depth * 32,
    );
    this.drafts.push({
      step: this.step(op, "f32_conv", convMacs(op, output)),
      words: {
        kernel: Kernel.conv,
        tiles: Math.ceil(rows / rowsPerTile) * Math.ceil(panels / panelsPerTile),
        relu: op.relu ? 1 : 0,
        inHeight: from.height,
        inWidth: from.width,
        inStep: from.step,
        outHeight: output.height,
        outWidth: output.width,
        outStep: paddedChannels(output.channels),
        kernelHeight: kernel[0],
        kernelWidth: kernel[1],
        strideHeight: op.stride[0],
        strideWidth: op.stride[1],
        padHeight: padding[0],
        padWidth: padding[1],
        dilationHeight: op.dilation[0],
        dilationWidth: op.dilation[1],
        depth,
        groupOut,
        panels,
        groupPanels,
        rowsPerTile,
        panelsPerTile,
      },
      input: from.area,
      output: this.areaOf[op.output]!,
      residual: op.residual === null ? null : this.areaOf[op.residual]!,
      weights,
    });
  }

  private lowerLinear(op: LinearOp): void {
    const input = this.shape(op.input);
    const [outChannels] = op.weight.shape as [number];
    const conv: ConvOp = {
      ...op,
      kind: "conv",
      kernel: [1, 1],
      stride: [1, 1],
      padding: [0, 0],
      dilation: [1, 1],
      groups: 1,
      weight: { shape: [outChannels, input.channels, 1, 1], read: op.weight.read.bind(op.weight) },
      residual: null,
      relu: false,
    };
    const step = paddedChannels(input.channels);
    this.direct(conv, { height: 1, width: 1, step, area: this.areaOf[op.input]! }, [1, 1], step, 1);
  }

  private winograd(op: ConvOp, outputTile: 4 | 2): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const inStep = paddedChannels(input.channels);
    const outStep = paddedChannels(output.channels);
    const tilesHigh = Math.ceil(output.height / outputTile);
    const tilesWide = Math.ceil(output.width / outputTile);
    const tiles = tilesHigh * tilesWide;
    const points = (outputTile + 2) ** 2;
    const panels = Math.ceil(outStep / 8);
    const planes = (count: number) => points * (4 * count * (inStep + outStep) + 128);
    const form = outputTile === 4 ? "winograd4" : "winograd2";
    const weights = this.addWeights(op.weight, op.bias, form, inStep, 9, 1, outStep, points * panels * inStep * 32);
    const words: Words = {
      relu: op.relu ? 1 : 0,
      inHeight: input.height,
      inWidth: input.width,
      inStep,
      outHeight: output.height,
      outWidth: output.width,
      outStep,
      padHeight: op.padding[0],
      padWidth: op.padding[1],
      panels,
      outputTile,
      tilesWide,
      tilesHigh,
    };
    const residual = op.residual === null ? null : this.areaOf[op.residual]!;
    const places = { input: this.areaOf[op.input]!, output: this.areaOf[op.output]! };
    const name = `f32_conv3x3s1_${form}`;
    const { threads } = this.options;
    const groups = this.groups(tiles, points * 4 * (inStep + outStep), WINOGRAD_SCRATCH_BYTES);
    if (threads === 1 || tiles >= groups * WINOGRAD_TILES) {
      const rowsPerTile = Math.ceil(tiles / groups);
      this.needScratch(winogradWorkBytes(rowsPerTile, inStep) + planes(rowsPerTile));
      this.drafts.push({
        step: this.step(op, name, convMacs(op, output)),
        words: { ...words, kernel: Kernel.winograd, tiles: Math.ceil(tiles / rowsPerTile), rowsPerTile },
        ...places,
        residual,
        weights,
      });
      return;
    }
    const transformed = this.area(points * (4 * tiles * inStep + 64));
    const products = this.area(points * (4 * tiles * outStep + 64));
    const rowsPerTile = Math.max(1, Math.floor(tiles / (PIECES_PER_THREAD * this.options.threads)));
    const panelsPerTile = Math.max(1, Math.ceil(panels / 2));
    this.needScratch(winogradWorkBytes(tiles, inStep));
    const pieces = Math.ceil(tiles / rowsPerTile);
    this.drafts.push({
      step: this.step(op, `${name}_input`),
      words: { ...words, kernel: Kernel.winogradInput, tiles: pieces, rowsPerTile },
      input: places.input,
      transformed,
    });
    this.drafts.push({
      step: this.step(op, `${name}_product`, convMacs(op, output)),
      words: {
        ...words,
        kernel: Kernel.winogradProduct,
        tiles: points * Math.ceil(panels / panelsPerTile),
        panelsPerTile,
      },
      transformed,
      products,
      weights,
    });
    this.drafts.push({
      step: this.step(op, `${name}_output`),
      words: { ...words, kernel: Kernel.winogradOutput, tiles: pieces, rowsPerTile },
      products,
      output: places.output,
      residual,
      weights,
    });
  }

  /** On the direct kernel's weights. Small images are few tiles, which threads share by panels; then V is the image's. */
  private winogradLean(op: ConvOp): void {
    const { threads } = this.options;
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const inStep = paddedChannels(input.channels);
    const outStep = paddedChannels(output.channels);
    const tilesHigh = Math.ceil(output.height / 4);
    const tilesWide = Math.ceil(output.width / 4);
    const tiles = tilesHigh * tilesWide;
    const panels = Math.ceil(outStep / 8);
    const groups = Math.ceil(tiles / LEAN_TILES);
    const rowsPerTile = Math.ceil(Math.ceil(tiles / groups) / 4) * 4;
    const weights = this.addWeights(op.weight, op.bias, "panels", inStep, 9, 1, outStep, panels * 9 * inStep * 32);
    const apart = threads > 1 && groups < 2 * threads;
    const perPiece = apart ? 2 * Math.max(1, Math.floor(panels / (2 * PIECES_PER_THREAD * threads))) : panels;
    const transformed = apart ? this.area(36 * (4 * tiles * inStep + 64)) : undefined;
    const words: Words = {
      relu: op.relu ? 1 : 0,
      inHeight: input.height,
      inWidth: input.width,
      inStep,
      outHeight: output.height,
      outWidth: output.width,
      outStep,
      padHeight: op.padding[0],
      padWidth: op.padding[1],
      panels,
      outputTile: 4,
      tilesWide,
      tilesHigh,
    };
    const work = Math.max(rowsPerTile * 256 * 4, 36 * 32 * 4);
    const own = apart ? 0 : 36 * (4 * rowsPerTile * inStep + 64);
    this.needScratch(4 * rowsPerTile + work + 36 * (256 * 32 + 64) + 2 * 36 * (128 * rowsPerTile + 64) + own);
    const name = "f32_conv3x3s1_winograd4_lean";
    if (apart) {
      const perInput = Math.max(1, Math.floor(tiles / (PIECES_PER_THREAD * threads)));
      this.drafts.push({
        step: this.step(op, `${name}_input`),
        words: {
          ...words,
          kernel: Kernel.winogradInput,
          tiles: Math.ceil(tiles / perInput),
          rowsPerTile: perInput,
        },
        input: this.areaOf[op.input]!,
        transformed: transformed!,
      });
    }
    this.drafts.push({
      step: this.step(op, name, convMacs(op, output)),
      words: {
        ...words,
        kernel: Kernel.winogradLean,
        tiles: Math.ceil(tiles / rowsPerTile) * Math.ceil(panels / perPiece),
        rowsPerTile,
        panelsPerTile: perPiece,
      },
      input: this.areaOf[op.input]!,
      output: this.areaOf[op.output]!,
      residual: op.residual === null ? null : this.areaOf[op.residual]!,
      transformed,
      weights,
    });
  }

  private winogradStride2(op: ConvOp, outputTile: 4 | 2): void {
    const input = this.shape(op.input);
    const output = this.shape(op.output);
    const inStep = paddedChannels(input.channels);
    const outStep = paddedChannels(output.channels);
    const tilesHigh = Math.ceil(output.height / outputTile);
    const tilesWide = Math.ceil(output.width / outputTile);
    const tiles = tilesHigh * tilesWide;
    const inPlanes = (2 * outputTile + 1) ** 2;
    const outPlanes = (outputTile + 1) ** 2;
    const panels = Math.ceil(outStep / 8);
    const form = outputTile === 4 ? "stride2winograd4" : "stride2winograd2";
    const bytes = panels * inPlanes * inStep * 32;
    const weights = this.addWeights(op.weight, op.bias, form, inStep, 9, 1, outStep, bytes);
    const tileBytes = 4 * (inPlanes * inStep + outPlanes * outStep);
    const groups = this.groups(tiles, tileBytes, STRIDE2_SCRATCH_BYTES);
    const rowsPerTile = Math.ceil(tiles / groups);
    this.needScratch(
      Math.max(Math.ceil(rowsPerTile / 4) * 64 * (1 + inStep), 81 * 32 * 4 + 64) +
        rowsPerTile * tileBytes +
        64 * (inPlanes + outPlanes),
    );
    this.drafts.push({
      step: this.step(op, `f32_conv3x3s2_winograd${outputTile}`, convMacs(op, output)),
      words: {
        kernel: Kernel.winogradStride2,
        tiles: Math.ceil(tiles / rowsPerTile),
        relu: op.relu ? 1 : 0,
        inHeight: input.height,
        inWidth: input.width,
        inStep,
        outHeight: output.height,
        outWidth: output.width,
        outStep,
        padHeight: op.padding[0],
        padWidth: op.padding[1],
        panels,
        rowsPerTile,
        outputTile,
        tilesWide,
        tilesHigh,
      },
      input: this.areaOf[op.input]!,
      output: this.areaOf[op.output]!,
      residual: op.residual === null ? null : this.areaOf[op.residual]!,
      weights,
    });
  }

  /** Even groups of Winograd tiles, as large as `fitting` bytes allow, and as many for each thread. */
  private groups(tiles: number, tileBytes: number, fitting: number): number {
    const { threads } = this.options;
    return Math.min(tiles, threads * Math.max(1, Math.ceil((tiles * tileBytes) / (fitting * threads))));
  }

  private addWeights(
    weight: Weight,
    bias: Float32Array | null,
    form: WeightDraft["form"],
    depth: number,
    taps: number,
    groups: number,
    groupOut: number,
    bytes: number,
  ): number {
    return this.weights.push({ weight, bias, form, depth, taps, groups, groupOut, bytes }) - 1;
  }

  /** Rows and panels of one piece of direct convolution. */
  private pieces(rows: number, panels: number, rowBytes: number): { rowsPerTile: number; panelsPerTile: number } {
    const fitting = Math.max(8, Math.floor(CONV_ROWS_BYTES / rowBytes / 4) * 4);
    if (this.options.threads > 1) return this.shared(rows, panels, fitting);
    const blocks = Math.ceil(rows / fitting);
    // Whole tiles of four or six rows, but for the last piece.
    const rowsPerTile = Math.ceil(Math.ceil(rows / blocks) / 12) * 12;
    return { rowsPerTile, panelsPerTile: panels };
  }

  /** As `pieces`, for several threads: what they are done with first, where all are as fast. */
  private shared(rows: number, panels: number, fitting: number): { rowsPerTile: number; panelsPerTile: number } {
    const { threads } = this.options;
    let best = { rowsPerTile: fitting, panelsPerTile: panels, time: Number.POSITIVE_INFINITY };
    for (let across = 1; across <= Math.min(panels, 4 * threads); across++) {
      const panelsPerTile = Math.ceil(panels / across);
      for (let rowsPerTile = 4; rowsPerTile <= Math.min(fitting, (rows + 3) & ~3); rowsPerTile += 4) {
        const cost = (count: number) =>
          ((count + 3) & ~3) * (panelsPerTile + GATHER_PANELS) + PANEL_ROWS * panelsPerTile;
        const full = Math.floor(rows / rowsPerTile) * across;
        const rest = rows % rowsPerTile ? across : 0;
        const idle = (threads - (full % threads)) % threads;
        const time =
          Math.ceil(full / threads) * cost(rowsPerTile) +
          Math.ceil(Math.max(0, rest - idle) / threads) * cost(rows % rowsPerTile) +
          cost(rowsPerTile) / 8;
        if (time < best.time) best = { rowsPerTile, panelsPerTile, time };
      }
    }
    return best;
  }

  private needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, align(bytes));
  }

  private trackLifetimes(stages: readonly { begin: number; end: number }[]): void {
    const touch = (area: number | null | undefined, at: number) => {
      if (area === null || area === undefined) return;
      const it = this.areas[area]!;
      it.first = Math.min(it.first, at);
      it.last = Math.max(it.last, at);
    };
    for (const [at, draft] of this.drafts.entries()) {
      for (const area of [draft.input, draft.output, draft.residual, draft.transformed, draft.products])
        touch(area, at);
    }
    // A stage's input is written before its first record, and its output read after its last one.
    for (const [index, stage] of this.network.stages.entries()) {
      touch(this.areaOf[stage.input], stages[index]!.begin);
      touch(this.areaOf[stage.output], stages[index]!.end - 1);
    }
  }

  private layOut(stages: readonly { begin: number; end: number }[]): Program {
    let end = RESERVED_BYTES;
    const take = (bytes: number) => {
      const at = end;
      end = align(end + bytes);
      return at;
    };
    const syncAt = take(SYNC_BYTES);
    const recordsAt = take(this.drafts.length * Field.size * 4);
    const zerosAt = take(this.widest * 4 + 64);
    const weightsFrom = end;
    const jobs = this.weights.map((it): PackJob => {
      const { bytes, ...rest } = it;
      const channels = it.groups * Math.ceil(it.groupOut / 8) * 8;
      return { ...rest, weightsAt: take(bytes), biasAt: take(channels * 4) };
    });
    const affines = this.affines.map(({ scale, shift, channels }) => ({
      scale,
      shift,
      scaleAt: take(channels * 4),
      shiftAt: take(channels * 4),
    }));
    const weightBytes = end - weightsFrom;
    const used = this.areas.map((it): Lifetime => (it.last < 0 ? { bytes: 0, first: 0, last: 0 } : it));
    const arena = planArena(used);
    const staging = Math.max(0, ...this.weights.map(stagingBytes));
    const arenaAt = take(arena.bytes);
    const scratchAt = take(this.scratchBytes * this.options.threads);
    end = Math.max(end, arenaAt + staging);
    const bytes = Math.ceil(end / 65536) * 65536;

    const address = (area: number | null | undefined) =>
      area === null || area === undefined ? 0 : arenaAt + arena.offsets[area]!;
    const records = new Int32Array(this.drafts.length * Field.size);
    for (const [index, draft] of this.drafts.entries()) {
      const record = records.subarray(index * Field.size, (index + 1) * Field.size);
      for (const [field, value] of Object.entries(draft.words)) record[Field[field as keyof typeof Field]] = value;
      record[Field.input] = address(draft.input);
      record[Field.output] = address(draft.output);
      record[Field.residual] = address(draft.residual);
      record[Field.transformed] = address(draft.transformed);
      record[Field.products] = address(draft.products);
      record[Field.zeros] = zerosAt;
      if (draft.weights !== undefined) {
        record[Field.weights] = jobs[draft.weights]!.weightsAt;
        record[Field.bias] = jobs[draft.weights]!.biasAt;
      }
      if (draft.affine !== undefined) {
        record[Field.weights] = affines[draft.affine]!.scaleAt;
        record[Field.bias] = affines[draft.affine]!.shiftAt;
      }
    }
    const place = (value: ValueId): Place => {
      const shape = this.shape(value);
      const length = value === this.network.input ? shape.channels * shape.height * shape.width : valueLength(shape);
      return { at: address(this.areaOf[value]), length };
    };
    return {
      records,
      steps: this.drafts.map((it) => it.step),
      stages,
      inputs: this.network.stages.map((stage) => place(stage.input)),
      outputs: this.network.stages.map((stage) => place(stage.output)),
      jobs,
      affines,
      recordsAt,
      syncAt,
      scratchAt,
      scratchBytes: this.scratchBytes,
      stagingAt: arenaAt,
      bytes,
      weightBytes,
      activationBytes: bytes - weightsFrom - weightBytes,
    };
  }
}

/** Groups whose channels end on whole vectors can be stored side by side; others would leave the padding lanes unwritten. */
function widthsFit(op: ConvOp, inChannels: number, outChannels: number): boolean {
  return outChannels % 4 === 0 && inChannels % op.groups === 0 && outChannels % op.groups === 0;
}

function valueLength(shape: ValueShape): number {
  return shape.height * shape.width * paddedChannels(shape.channels);
}

function convMacs(op: ConvOp, output: ValueShape): number {
  return elementCount(op.weight.shape) * output.height * output.width;
}

function window(op: { kernel: readonly number[]; stride: readonly number[]; padding: readonly number[] }): Words {
  return {
    kernelHeight: op.kernel[0]!,
    kernelWidth: op.kernel[1]!,
    strideHeight: op.stride[0]!,
    strideWidth: op.stride[1]!,
    padHeight: op.padding[0]!,
    padWidth: op.padding[1]!,
  };
}

/** The head of a thread's scratch, as `workBytes` in assembly/winograd.ts. */
function winogradWorkBytes(tiles: number, inStep: number): number {
  return Math.max(Math.ceil(tiles / 4) * 16 * (1 + inStep), 36 * 32 * 4);
}

/** Eight rows of weights as they are, the same as two panels, and what the transforms keep between their passes. */
export function stagingBytes(job: { depth: number; taps: number }): number {
  return 3 * 8 * job.depth * job.taps * 4 + 1024;
}
