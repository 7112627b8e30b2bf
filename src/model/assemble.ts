import type {
  Architecture,
  Network,
  Op,
  Padding,
  Stage,
  ValueId,
  ValueShape,
  Vector,
  Weight,
} from "../graph/network.js";
import { elementCount } from "../graph/tensor.js";
import { lazyVector, needsOf } from "../graph/vector.js";
import { expansion, innerWidth } from "./architectures.js";
import type { Parameters } from "./parameters.js";

/** An operation without what the assembler fills in. */
type Unplaced = Op extends infer O ? (O extends Op ? Omit<O, "output"> : never) : never;

export type Sides = readonly [height: number, width: number];

const pair = (side: number): [number, number] => [side, side];
const around = (side: number): Padding => [side, side, side, side];

/** Output extent of a convolution or pool; with these paddings it is never below one. */
export const slide = (extent: number, kernel: number, stride: number, padding: number) =>
  Math.floor((extent + 2 * padding - kernel) / stride) + 1;

export interface ConvolutionTraits {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly dilation?: number;
  /** What the result is multiplied by. */
  readonly scale?: number;
}

/**
 * Lays out a network as its definition reads: convolution, BatchNorm, ReLU, add, each an operation of its own. Tensors are
 * asked for in the order of the forward pass, so that a file is refused at the first one that does not fit.
 */
export function assemble(architecture: Architecture, parameters: Parameters, inputSize: Sides): Network {
  return run(new Assembler(architecture, parameters, inputSize), architecture);
}

/** Has an assembler lay out all stages. */
export function run(assembler: Assembler, architecture: Architecture): Network {
  assembler.stem();
  architecture.layers.forEach((_, index) => {
    assembler.layer(index);
  });
  assembler.head();
  return assembler.network();
}

/** Lays out torchvision's networks; `UnusualAssembler` does the others. */
export class Assembler {
  protected readonly values: ValueShape[];
  protected readonly stages: Stage[] = [];
  protected ops: Op[] = [];
  protected stageInput: ValueId = 0;
  protected counted = 0;
  protected kept = 0;
  protected current: ValueId = 0;

  constructor(
    protected readonly architecture: Architecture,
    protected readonly parameters: Parameters,
    [height, width]: Sides,
  ) {
    this.values = [{ height, width, channels: 3 }];
  }

  stem(): void {
    const { stem, stemWidth } = this.architecture;
    const stride = this.stemStride();
    if (stem === "deep") {
      const half = (name: string) => this.widthOf(name, stemWidth / 2);
      this.convolution("conv1.0", "conv1.1", { out: half("conv1.0"), kernel: 3, stride }).activate("conv1.2");
      this.convolution("conv1.3", "conv1.4", { out: half("conv1.3"), kernel: 3 }).activate("conv1.5");
      this.convolution("conv1.6", "bn1", { out: stemWidth, kernel: 3 });
    } else {
      this.convolution("conv1", "bn1", { out: stemWidth, kernel: stem === "7x7" ? 7 : 3, stride });
    }
    this.activate("relu");
    this.stemPool();
    this.endStage("stem");
  }

  layer(index: number): void {
    const { layers, widths } = this.architecture;
    const { stride, first, dilation } = this.pace(index);
    for (let block = 0; block < layers[index]!; block++) {
      const name = `layer${index + 1}.${block}`;
      if (block === 0) this.block(name, widths[index]!, stride, first, dilation);
      else this.block(name, widths[index]!, 1, dilation, dilation);
    }
    this.endStage(`layer${index + 1}`);
  }

  head(): void {
    this.place({ kind: "globalAveragePool", name: "avgpool", inputs: [this.current] }, this.shape().channels);
    if (this.architecture.classes > 0) this.linear("fc", this.architecture.classes);
    this.endStage("head");
  }

  network(): Network {
    return {
      architecture: this.architecture,
      values: this.values,
      stages: this.stages,
      input: 0,
      output: this.current,
      parameters: this.stages.reduce((sum, stage) => sum + stage.parameters!, 0),
      batchNorms: { folded: 0, kept: this.kept },
    };
  }

  protected block(name: string, width: number, stride: number, firstDilation: number, dilation: number): void {
    const { block, groups, strideIn, shortcut } = this.architecture;
    const { activationAfterSum = true, residualScale: scale } = this.architecture;
    const number = block === "bottleneck" ? 3 : 2;
    const out = this.widthOf(`${name}.conv${number}`, width * expansion(this.architecture));
    const input = this.current;
    const apart = this.apart(stride);
    let last: ConvolutionTraits;
    if (block === "bottleneck") {
      const inner = innerWidth(this.architecture, width);
      const early = strideIn === "1x1" && !apart ? stride : 1;
      const late = apart ? 1 : stride / early;
      const first = { out: this.widthOf(`${name}.conv1`, inner), kernel: 1, stride: early };
      this.convolution(`${name}.conv1`, `${name}.bn1`, first).activate(`${name}.relu`);
      this.convolution(`${name}.conv2`, `${name}.bn2`, {
        out: this.widthOf(`${name}.conv2`, inner),
        kernel: 3,
        stride: late,
        groups,
        dilation: firstDilation,
      });
      last = { out, kernel: 1, scale };
    } else {
      const inner = this.widthOf(`${name}.conv1`, out);
      const first = { out: inner, kernel: 3, stride: apart ? 1 : stride, dilation: firstDilation };
      this.convolution(`${name}.conv1`, `${name}.bn1`, first);
      last = { out, kernel: 3, dilation, scale };
    }
    this.activate(`${name}.relu`);
    if (apart) this.withoutAliasing(`${name}.aa`, stride);
    const inner = this.current;

    // Before the block's last convolution, so that the sum can be part of that convolution.
    this.current = input;
    if (shortcut !== "none") this.shortcut(name, out, stride);
    const other = this.current;
    this.current = inner;

    this.convolution(`${name}.conv${number}`, `${name}.bn${number}`, last);
    this.attend(`${name}.se`);
    if (shortcut !== "none") {
      this.emit({ kind: "add", name: `${name}.add`, inputs: [this.current, other], relu: false }, this.shape());
    }
    this.afterSum(name);
    if (activationAfterSum) this.activate(`${name}.relu`);
  }

  protected shortcut(block: string, out: number, stride: number): void {
    const { channels } = this.shape();
    const name = `${block}.downsample`;
    // Where a stride was taken out, its projection may have stayed.
    const projected = this.parameters.has(`${name}.0.weight`) || this.parameters.has(`${name}.1.weight`);
    if (stride === 1 && channels === out && !projected) return;
    const { shortcut } = this.architecture;
    if (shortcut === "projection") {
      this.convolution(`${name}.0`, `${name}.1`, { out, kernel: this.projectionKernel(name), stride });
      return;
    }
    const averaged = shortcut.includes("average") && stride > 1;
    // timm's AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False).
    if (averaged) this.averagePool(`${name}.0`, stride, Math.ceil);
    if (shortcut === "average-projection") {
      this.convolution(`${name}.1`, `${name}.2`, { out, kernel: 1 });
      return;
    }
    const left = averaged ? 1 : stride;
    const before = shortcut.endsWith("end") ? 0 : Math.floor((out - channels) / 2);
    const { height, width } = this.shape();
    this.emit(
      { kind: "zeroPadShortcut", name, inputs: [this.current], stride: left, before },
      { height: Math.ceil(height / left), width: Math.ceil(width / left), channels: out },
    );
  }

  /** The average of each two by two pixels, `stride` apart. */
  protected averagePool(name: string, stride: number, round: (extent: number) => number): void {
    const { height, width, channels } = this.shape();
    this.emit(
      {
        kind: "averagePool",
        name,
        inputs: [this.current],
        kernel: pair(2),
        stride: pair(stride),
        padding: around(0),
        countPadding: false,
      },
      { height: Math.max(1, round(height / stride)), width: Math.max(1, round(width / stride)), channels },
    );
  }

  /** A convolution with "same" padding and its BatchNorm. A biased one without BatchNorm was folded when the file was written. */
  protected convolution(name: string, norm: string, traits: ConvolutionTraits): this {
    const { out, kernel, stride = 1, groups = 1, dilation = 1, scale = 1 } = traits;
    const { height, width, channels } = this.shape();
    const padding = (dilation * (kernel - 1)) / 2;
    const reach = 2 * padding + 1;
    const shape = [out, channels / groups, kernel, kernel];
    const weight = this.parameters.weight(`${name}.weight`, shape);
    this.counted += elementCount(shape);
    const bias = this.bias(name, out);
    const result = {
      height: slide(height, reach, stride, padding),
      width: slide(width, reach, stride, padding),
      channels: out,
    };
    this.emit(
      {
        kind: "conv",
        name,
        inputs: [this.current],
        kernel: pair(kernel),
        stride: pair(stride),
        padding: around(padding),
        dilation: pair(dilation),
        groups,
        weight,
        bias,
        relu: false,
      },
      result,
    );
    const normalized = !bias || batchNormTensors.some((tensor) => this.parameters.has(`${norm}.${tensor}`));
    if (normalized) this.normalize(norm, scale);
    return this;
  }

  protected normalize(name: string, scale: number): void {
    const shape = this.shape();
    this.emit({ ...this.batchNorm(name, shape.channels, scale), inputs: [this.current] }, shape);
  }

  protected batchNorm(name: string, channels: number, factor = 1) {
    this.counted += 2 * channels;
    this.kept++;
    return batchNormOf(this.parameters, name, channels, this.architecture.epsilon, factor);
  }

  protected bias(layer: string, length: number): Vector | null {
    if (!this.parameters.has(`${layer}.bias`)) return null;
    this.counted += length;
    return this.parameters.vector(`${layer}.bias`, length);
  }

  /** Channels that a convolution makes; the plain networks have the usual ones. */
  protected widthOf(_name: string, usual: number): number {
    return usual;
  }

  protected projectionKernel(_name: string): number {
    return 1;
  }

  /** What stands between a block's last BatchNorm and its sum. */
  protected attend(_name: string): void {}

  protected afterSum(_block: string): void {}

  protected stemStride(): number {
    return this.architecture.stem === "3x3" ? 1 : 2;
  }

  protected stemPool(): void {
    if (this.architecture.stem !== "3x3") this.maxPool(3, 2, 1, slide);
  }

  /** Stride of a stage's first block, and how far it and the others dilate. */
  protected pace(index: number): { stride: number; first: number; dilation: number } {
    return { stride: index === 0 ? 1 : 2, first: 1, dilation: 1 };
  }

  /** Whether an operation of its own stands where a convolution's stride was. */
  protected apart(_stride: number): boolean {
    return false;
  }

  protected withoutAliasing(_name: string, _stride: number): void {}

  protected activate(name: string): this {
    this.emit({ kind: "relu", name, inputs: [this.current] }, this.shape());
    return this;
  }

  protected maxPool(kernel: number, stride: number, padding: number, along: typeof slide): void {
    const { height, width, channels } = this.shape();
    this.emit(
      {
        kind: "maxPool",
        name: "maxpool",
        inputs: [this.current],
        kernel: pair(kernel),
        stride: pair(stride),
        padding: around(padding),
      },
      { height: along(height, kernel, stride, padding), width: along(width, kernel, stride, padding), channels },
    );
  }

  protected linear(name: string, rows: number, change = (weight: Weight) => weight): void {
    const { channels } = this.shape();
    const weight = change(this.parameters.weight(`${name}.weight`, [rows, channels]));
    const bias = this.bias(name, rows);
    this.counted += rows * channels;
    this.place({ kind: "linear", name, inputs: [this.current], weight, bias, relu: false }, rows);
  }

  protected shape(): ValueShape {
    return this.values[this.current]!;
  }

  protected emit(op: Unplaced, result: ValueShape): void {
    this.current = this.values.push(result) - 1;
    this.ops.push({ ...op, output: this.current } as Op);
  }

  /** Of an operation whose result is 1 x 1. */
  protected place(op: Unplaced, channels: number): void {
    this.emit(op, { height: 1, width: 1, channels });
  }

  protected endStage(name: string): void {
    this.stages.push({ name, input: this.stageInput, output: this.current, ops: this.ops, parameters: this.counted });
    this.stageInput = this.current;
    this.ops = [];
    this.counted = 0;
  }
}

const batchNormTensors = ["weight", "bias", "running_mean", "running_var"];

/** y = ((x - mean) / sqrt(variance + eps) * weight + bias) * factor, as x * scale + shift. */
export function batchNormOf(parameters: Parameters, name: string, channels: number, epsilon = 1e-5, factor = 1) {
  const [weight, bias, mean, variance] = batchNormTensors.map((tensor) =>
    parameters.vector(`${name}.${tensor}`, channels),
  ) as [Vector, Vector, Vector, Vector];
  const scale = lazyVector(channels, needsOf(weight, variance), () => {
    const variances = variance.read();
    return weight.read().map((value, c) => (value * factor) / Math.sqrt(variances[c]! + epsilon));
  });
  const expected = lazyVector(channels, needsOf(bias), () => bias.read().map((value) => value * factor));
  const shift = lazyVector(channels, needsOf(bias, mean, scale), () => {
    const [means, scales] = [mean.read(), scale.read()];
    return expected.read().map((value, c) => value - means[c]! * scales[c]!);
  });
  const deviation = lazyVector(channels, needsOf(scale, mean, variance), () => {
    const [means, variances] = [mean.read(), variance.read()];
    // A mean of 0 and a variance of 1 are what an untrained or emptied BatchNorm has: nothing is known.
    const unknown = (c: number) => means[c] === 0 && variances[c] === 1;
    return scale.read().map((value, c) => (unknown(c) ? 0 : Math.abs(value) * Math.sqrt(variances[c]!)));
  });
  const statistics = { mean: expected, deviation };
  return { kind: "batchNorm", name, scale, shift, relu: false, statistics } as const;
}
