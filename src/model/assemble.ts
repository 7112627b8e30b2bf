import { elementCount } from "../tensor.js";
import { expansion, innerWidth } from "./architectures.js";
import type { Architecture, Network, Op, Stage, ValueId, ValueShape, Vector } from "./network.js";
import type { Parameters } from "./parameters.js";
import { lazyVector, needsOf } from "./vector.js";

/** An operation without what the assembler fills in. */
type Unplaced = Op extends infer O ? (O extends Op ? Omit<O, "output"> : never) : never;

type Sides = readonly [height: number, width: number];

const pair = (side: number): [number, number] => [side, side];

/** Output extent of a convolution or pool; with these paddings it is never below one. */
const slide = (extent: number, kernel: number, stride: number, padding: number) =>
  Math.floor((extent + 2 * padding - kernel) / stride) + 1;

interface ConvolutionTraits {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

/**
 * Lays out a network as its definition reads: convolution, BatchNorm, ReLU, add, each an operation of its own. Tensors are
 * asked for in the order of the forward pass, so that a file is refused at the first one that does not fit.
 */
export function assemble(architecture: Architecture, parameters: Parameters, inputSize: Sides): Network {
  const assembler = new Assembler(architecture, parameters, inputSize);
  assembler.stem();
  architecture.layers.forEach((_, index) => {
    assembler.layer(index);
  });
  assembler.head();
  return assembler.network();
}

class Assembler {
  private readonly values: ValueShape[];
  private readonly stages: Stage[] = [];
  private ops: Op[] = [];
  private stageInput: ValueId = 0;
  private counted = 0;
  private kept = 0;
  private current: ValueId = 0;

  constructor(
    private readonly architecture: Architecture,
    private readonly parameters: Parameters,
    [height, width]: Sides,
  ) {
    this.values = [{ height, width, channels: 3 }];
  }

  stem(): void {
    const { stem, stemWidth } = this.architecture;
    if (stem === "deep") {
      this.convolution("conv1.0", "conv1.1", { out: stemWidth / 2, kernel: 3, stride: 2 }).relu("conv1.2");
      this.convolution("conv1.3", "conv1.4", { out: stemWidth / 2, kernel: 3 }).relu("conv1.5");
      this.convolution("conv1.6", "bn1", { out: stemWidth, kernel: 3 });
    } else {
      this.convolution("conv1", "bn1", {
        out: stemWidth,
        kernel: stem === "7x7" ? 7 : 3,
        stride: stem === "7x7" ? 2 : 1,
      });
    }
    this.relu("relu");
    if (stem !== "3x3") {
      const { height, width, channels } = this.shape();
      this.emit(
        { kind: "maxPool", name: "maxpool", input: this.current, kernel: pair(3), stride: pair(2), padding: pair(1) },
        { height: slide(height, 3, 2, 1), width: slide(width, 3, 2, 1), channels },
      );
    }
    this.endStage("stem");
  }

  layer(index: number): void {
    for (let block = 0; block < this.architecture.layers[index]!; block++) {
      const first = index === 0 ? (this.architecture.firstStageStride ?? 1) : 2;
      this.block(`layer${index + 1}.${block}`, this.architecture.widths[index]!, block === 0 ? first : 1);
    }
    this.endStage(`layer${index + 1}`);
  }

  head(): void {
    const { classes } = this.architecture;
    const { channels } = this.shape();
    this.emit({ kind: "globalAveragePool", name: "avgpool", input: this.current }, { height: 1, width: 1, channels });
    if (classes > 0) {
      const weight = this.parameters.weight("fc.weight", [classes, channels]);
      const bias = this.bias("fc", classes);
      this.counted += classes * channels;
      this.emit(
        { kind: "linear", name: "fc", input: this.current, weight, bias, relu: false },
        { height: 1, width: 1, channels: classes },
      );
    }
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

  private block(name: string, width: number, stride: number): void {
    const { block, groups, strideIn } = this.architecture;
    const out = width * expansion(this.architecture);
    const input = this.current;
    let last: ConvolutionTraits;
    if (block === "bottleneck") {
      const inner = innerWidth(this.architecture, width);
      const early = strideIn === "1x1" ? stride : 1;
      this.convolution(`${name}.conv1`, `${name}.bn1`, { out: inner, kernel: 1, stride: early }).relu(`${name}.relu`);
      this.convolution(`${name}.conv2`, `${name}.bn2`, { out: inner, kernel: 3, stride: stride / early, groups });
      last = { out, kernel: 1 };
    } else {
      this.convolution(`${name}.conv1`, `${name}.bn1`, { out, kernel: 3, stride });
      last = { out, kernel: 3 };
    }
    const inner = this.relu(`${name}.relu`).current;

    // Before the block's last convolution, so that the sum can be part of that convolution.
    this.current = input;
    this.shortcut(name, out, stride);
    const shortcut = this.current;
    this.current = inner;

    const number = block === "bottleneck" ? 3 : 2;
    this.convolution(`${name}.conv${number}`, `${name}.bn${number}`, last);
    this.emit({ kind: "add", name: `${name}.add`, input: this.current, other: shortcut, relu: false }, this.shape());
    this.relu(`${name}.relu`);
  }

  private shortcut(block: string, out: number, stride: number): void {
    const { height, width, channels } = this.shape();
    if (stride === 1 && channels === out) return;
    const name = `${block}.downsample`;
    switch (this.architecture.shortcut) {
      case "projection":
        this.convolution(`${name}.0`, `${name}.1`, { out, kernel: 1, stride });
        break;
      case "average-projection":
        if (stride > 1) {
          // timm's AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False).
          this.emit(
            {
              kind: "averagePool",
              name: `${name}.0`,
              input: this.current,
              kernel: pair(2),
              stride: pair(stride),
              padding: pair(0),
              countPadding: false,
            },
            { height: Math.ceil(height / stride), width: Math.ceil(width / stride), channels },
          );
        }
        this.convolution(`${name}.1`, `${name}.2`, { out, kernel: 1 });
        break;
      default: {
        const before = this.architecture.shortcut === "zero-pad-end" ? 0 : Math.floor((out - channels) / 2);
        this.emit(
          { kind: "zeroPadShortcut", name, input: this.current, stride, before },
          { height: Math.ceil(height / stride), width: Math.ceil(width / stride), channels: out },
        );
      }
    }
  }

  /** A convolution with "same" padding and its BatchNorm. A biased one without BatchNorm was folded by whoever wrote the file. */
  private convolution(name: string, norm: string, { out, kernel, stride = 1, groups = 1 }: ConvolutionTraits): this {
    const { height, width, channels } = this.shape();
    const padding = (kernel - 1) / 2;
    const shape = [out, channels / groups, kernel, kernel];
    const weight = this.parameters.weight(`${name}.weight`, shape);
    this.counted += elementCount(shape);
    const bias = this.bias(name, out);
    const result = {
      height: slide(height, kernel, stride, padding),
      width: slide(width, kernel, stride, padding),
      channels: out,
    };
    this.emit(
      {
        kind: "conv",
        name,
        input: this.current,
        kernel: pair(kernel),
        stride: pair(stride),
        padding: pair(padding),
        dilation: pair(1),
        groups,
        weight,
        bias,
        residual: null,
        relu: false,
      },
      result,
    );
    const normalized = !bias || batchNormTensors.some((tensor) => this.parameters.has(`${norm}.${tensor}`));
    if (normalized) this.emit({ ...this.batchNorm(norm, out), input: this.current }, result);
    return this;
  }

  /** y = (x - mean) / sqrt(variance + eps) * weight + bias, as x * scale + shift. */
  private batchNorm(name: string, channels: number) {
    const [weight, bias, mean, variance] = batchNormTensors.map((tensor) =>
      this.parameters.vector(`${name}.${tensor}`, channels),
    ) as [Vector, Vector, Vector, Vector];
    const epsilon = this.architecture.epsilon ?? 1e-5;
    const scale = lazyVector(channels, needsOf(weight, variance), () => {
      const variances = variance.read();
      return weight.read().map((value, c) => value / Math.sqrt(variances[c]! + epsilon));
    });
    const shift = lazyVector(channels, needsOf(bias, mean, scale), () => {
      const [means, scales] = [mean.read(), scale.read()];
      return bias.read().map((value, c) => value - means[c]! * scales[c]!);
    });
    const deviation = lazyVector(channels, needsOf(weight, variance), () => {
      const variances = variance.read();
      return weight.read().map((value, c) => Math.abs(value) * Math.sqrt(variances[c]! / (variances[c]! + epsilon)));
    });
    this.counted += 2 * channels;
    this.kept++;
    const statistics = { mean: bias, deviation };
    return { kind: "batchNorm", name, scale, shift, relu: false, statistics } as const;
  }

  private bias(layer: string, length: number): Vector | null {
    if (!this.parameters.has(`${layer}.bias`)) return null;
    this.counted += length;
    return this.parameters.vector(`${layer}.bias`, length);
  }

  private relu(name: string): this {
    this.emit({ kind: "relu", name, input: this.current }, this.shape());
    return this;
  }

  private shape(): ValueShape {
    return this.values[this.current]!;
  }

  private emit(op: Unplaced, result: ValueShape): void {
    this.current = this.values.push(result) - 1;
    this.ops.push({ ...op, output: this.current } as Op);
  }

  private endStage(name: string): void {
    this.stages.push({ name, input: this.stageInput, output: this.current, ops: this.ops, parameters: this.counted });
    this.stageInput = this.current;
    this.ops = [];
    this.counted = 0;
  }
}

const batchNormTensors = ["weight", "bias", "running_mean", "running_var"];
