import { OptionError } from "../../errors.js";
import type { Activation, Architecture, Network, Vector, Weight } from "../../graph/network.js";
import { Assembler, type ConvolutionTraits, run, type Sides, slide } from "../assemble.js";
import type { Parameters } from "../parameters.js";

/** As the plain one, with every trait that can be stated. Throws `OptionError` where traits do not fit each other. */
export function assembleUnusual(architecture: Architecture, parameters: Parameters, inputSize: Sides): Network {
  return run(new UnusualAssembler(architecture, parameters, inputSize), architecture);
}

/** As PyTorch's `ceil_mode`: the last window may hang over the far edge, but begins within the image or its near padding. */
const slideOver: typeof slide = (extent, kernel, stride, padding) => {
  const count = Math.ceil((extent + 2 * padding - kernel) / stride) + 1;
  return (count - 1) * stride < extent + padding ? count : count - 1;
};

/** Layers of a head that do nothing here; a log-softmax is taken of the answer. */
const idle = ["dropout", "flatten", "identity", "log-softmax"];
const isLearned = (layer: string) => layer === "linear" || layer === "cosine" || layer === "batchnorm";

class UnusualAssembler extends Assembler {
  protected override stemStride(): number {
    return this.architecture.stemStride ?? super.stemStride();
  }

  protected override stemPool(): void {
    const { stem, antiAliasing, maxPool = stem === "3x3" ? "none" : {} } = this.architecture;
    // A strided convolution in the pool's place (Bello et al. 2021, "Revisiting ResNets").
    if (this.parameters.has("maxpool.0.weight")) {
      const { channels: out } = this.shape();
      this.convolution("maxpool.0", "maxpool.1", { out, kernel: 3, stride: 2 }).activate("maxpool.2");
      return;
    }
    if (maxPool === "none") return;
    const { kernel = 3, stride = 2, padding = 1, ceilMode = false } = maxPool;
    // timm's: an average in place of the max-pool, or a max-pool without stride and a blur.
    if (antiAliasing === "average") {
      this.withoutAliasing("maxpool", stride);
      return;
    }
    const { height, width } = this.shape();
    if (2 * padding > kernel || Math.min(height, width) + 2 * padding < kernel) {
      throw new OptionError(
        `architecture.maxPool has a kernel of ${kernel} and a padding of ${padding}, for ${height} x ${width} pixels: ` +
          "the padding is at most half of the kernel, and the kernel fits the padded image.",
      );
    }
    this.maxPool(kernel, antiAliasing === "blur" ? 1 : stride, padding, ceilMode ? slideOver : slide);
    if (antiAliasing === "blur") this.withoutAliasing("maxpool.1", stride);
  }

  protected override pace(index: number): { stride: number; first: number; dilation: number } {
    const { firstStageStride = 1, stageStrides, dilations, replaceStrideWithDilation } = this.architecture;
    const usual = stageStrides?.[index] ?? (index === 0 ? firstStageStride : 2);
    if (replaceStrideWithDilation) {
      let [first, dilation] = [1, 1];
      for (let stage = 1; stage <= index; stage++) {
        first = dilation;
        if (replaceStrideWithDilation[stage - 1]) dilation *= 2;
      }
      return { stride: replaceStrideWithDilation[index - 1] ? 1 : usual, first, dilation };
    }
    const dilation = dilations?.[index] ?? 1;
    const more = dilation > (dilations?.[index - 1] ?? 1);
    return { stride: more ? (stageStrides?.[index] ?? 1) : usual, first: dilation, dilation };
  }

  /** timm's test_resnet has bottlenecks in one of its stages: where the first block is as stated, others are what the file has. */
  protected override block(name: string, ...pace: readonly [number, number, number, number]): void {
    const { architecture } = this;
    const isLong = (it: string) => this.parameters.has(`${it}.conv3.weight`);
    const isStated = isLong("layer1.0") === (architecture.block === "bottleneck");
    const block = isLong(name) ? "bottleneck" : "basic";
    if (isStated) Object.assign(this, { architecture: { ...architecture, block } });
    super.block(name, ...pace);
    Object.assign(this, { architecture });
  }

  /** Of pruned networks, and of those whose stem or blocks begin narrower, the file tells. */
  protected override widthOf(name: string, usual: number): number {
    return this.parameters.has(`${name}.weight`) ? this.parameters.extent(`${name}.weight`) : usual;
  }

  protected override projectionKernel(name: string): number {
    return this.parameters.extent(`${name}.0.weight`, 2) === 3 ? 3 : 1;
  }

  /** Squeeze and excitation (Hu et al. 2017), or ECA: a gate for each channel, made of the channels' means. */
  protected override attend(name: string): void {
    const input = this.current;
    const { attention = "none" } = this.architecture;
    if (attention === "none") return;
    const shape = this.shape();
    const { channels } = shape;
    if (attention === "se") {
      const reduced = this.parameters.extent(`${name}.fc1.weight`);
      this.place({ kind: "globalAveragePool", name: `${name}.pool`, inputs: [input] }, channels);
      this.pointwise(`${name}.fc1`, reduced);
      this.place({ kind: "relu", name: `${name}.act`, inputs: [this.current] }, reduced);
      this.pointwise(`${name}.fc2`, channels);
    } else {
      this.place({ kind: "globalAveragePool", name: `${name}.pool`, inputs: [input] }, channels);
      this.acrossChannels(`${name}.conv`);
    }
    const inputs = [this.current] as const;
    this.place({ kind: "activation", name: `${name}.gate`, inputs, function: "sigmoid" }, channels);
    this.emit({ kind: "binary", name, inputs: [input, this.current], function: "multiply" }, shape);
  }

  /** A 1x1 convolution of one pixel. */
  private pointwise(name: string, rows: number): void {
    const { channels } = this.shape();
    const stored = this.parameters.weight(`${name}.weight`, [rows, channels, 1, 1]);
    const weight = { ...stored, shape: [rows, channels] };
    const bias = this.bias(name, rows);
    this.counted += rows * channels;
    this.place({ kind: "linear", name, inputs: [this.current], weight, bias, relu: false }, rows);
  }

  /** One filter that passes over the channels (Wang et al. 2019, section 3.2): over a row of as many pixels of one channel. */
  private acrossChannels(name: string): void {
    const { channels } = this.shape();
    const kernel = this.parameters.extent(`${name}.weight`, 2);
    const stored = this.parameters.weight(`${name}.weight`, [1, 1, kernel]);
    const weight = { ...stored, shape: [1, 1, 1, kernel] };
    this.counted += kernel;
    const row = { height: 1, width: channels, channels: 1 };
    this.emit({ kind: "reshape", name: `${name}.row`, inputs: [this.current] }, row);
    const side = (kernel - 1) / 2;
    this.emit(
      {
        ...{ kind: "conv", name, inputs: [this.current], weight, bias: null, relu: false },
        ...{ kernel: [1, kernel], stride: [1, 1], padding: [0, side, 0, side], dilation: [1, 1], groups: 1 },
      },
      row,
    );
    this.place({ kind: "reshape", name: `${name}.channels`, inputs: [this.current] }, channels);
  }

  /** A BatchNorm; where the file has no statistics of its own, GroupNorm; or IBN's two halves. */
  protected override normalize(name: string, scale: number): void {
    const { parameters } = this;
    if (parameters.has(`${name}.IN.weight`)) this.normalizeHalves(name);
    else if (parameters.has(`${name}.weight`) && !parameters.has(`${name}.running_mean`) && this.isGrouped()) {
      if (scale !== 1) throw new OptionError(`architecture.residualScale cannot be used with ${name}, a GroupNorm.`);
      this.group(name, this.architecture.normGroups ?? 32);
    } else super.normalize(name, scale);
  }

  /** Pan et al. 2018, IBN-a: InstanceNorm of the first channels, BatchNorm of the others. */
  private normalizeHalves(name: string): void {
    const input = this.current;
    const { height, width, channels } = this.shape();
    const half = this.parameters.extent(`${name}.IN.weight`);
    const part = (begin: number, count: number) => {
      this.emit(
        { kind: "slice", name: `${name}.slice`, inputs: [input], begin: [0, 0, begin], step: [1, 1, 1] },
        { height, width, channels: count },
      );
    };
    part(0, half);
    this.group(`${name}.IN`, half);
    const one = this.current;
    part(half, channels - half);
    super.normalize(`${name}.BN`, 1);
    const inputs = [one, this.current] as const;
    this.emit({ kind: "concat", name, inputs, axis: 2 }, { height, width, channels });
  }

  private group(name: string, groups: number): void {
    const { channels } = this.shape();
    if (channels % groups !== 0) {
      throw new OptionError(`architecture.normGroups is ${groups}, and ${name} has ${channels} channels.`);
    }
    const [scale, shift] = ["weight", "bias"].map((tensor) =>
      this.parameters.vector(`${name}.${tensor}`, channels),
    ) as [Vector, Vector];
    this.counted += 2 * channels;
    const { epsilon = 1e-5 } = this.architecture;
    this.emit(
      { kind: "normalize", name, inputs: [this.current], groups, over: "image", epsilon, scale, shift },
      this.shape(),
    );
  }

  /** Whether the whole network has GroupNorm: a file that lost one BatchNorm's statistics has not. */
  private isGrouped(): boolean {
    return !["bn1", "layer1.0.bn1", "layer1.0.bn2"].some((norm) => this.parameters.has(`${norm}.running_mean`));
  }

  /** IBN-b: InstanceNorm of the sum. */
  protected override afterSum(block: string): void {
    if (this.parameters.has(`${block}.IN.weight`)) this.group(`${block}.IN`, this.shape().channels);
  }

  protected override convolution(name: string, norm: string, traits: ConvolutionTraits): this {
    const folded = this.parameters.has(`${name}.bias`) && !this.parameters.has(`${norm}.running_mean`);
    if (folded && traits.scale !== undefined) {
      throw new OptionError(`architecture.residualScale cannot be used where ${norm} was folded into ${name}.`);
    }
    return super.convolution(name, norm, traits);
  }

  protected override apart(stride: number): boolean {
    return (this.architecture.antiAliasing ?? "none") !== "none" && stride > 1;
  }

  /** timm's AvgPool2d(2), or its BlurPool2d. */
  protected override withoutAliasing(name: string, stride: number): void {
    const { height, width, channels } = this.shape();
    if (this.architecture.antiAliasing === "average") {
      this.averagePool(name, stride, Math.floor);
      return;
    }
    this.emit(
      { kind: "blurPool", name, inputs: [this.current], stride },
      { height: slide(height, 3, stride, 1), width: slide(width, 3, stride, 1), channels },
    );
  }

  /** The network's activation, or another one. */
  protected override activate(name: string, activation: Activation = this.architecture.activation ?? "relu"): this {
    if (activation === "relu") return super.activate(name);
    const { activationSlope: slope } = this.architecture;
    this.emit({ kind: "activation", name, inputs: [this.current], function: activation, slope }, this.shape());
    return this;
  }

  override head(): void {
    const { classes, globalPool, head = ["linear"] } = this.architecture;
    const kind = globalPool === "max" ? "globalMaxPool" : "globalAveragePool";
    this.place({ kind, name: "avgpool", inputs: [this.current] }, this.shape().channels);
    if (head.indexOf("log-softmax") >= 0 && head.indexOf("log-softmax") < head.length - 1) {
      throw new OptionError(`architecture.head is ${JSON.stringify(head)}; "log-softmax" can only be its last layer.`);
    }
    const learned = head.filter((layer) => isLearned(layer));
    const rest = classes > 0 ? head : [];
    let number = 0;
    for (const layer of rest) {
      if (isLearned(layer)) {
        const name = learned.length === 1 ? "fc" : `fc.${number}`;
        number++;
        // The last linear layer gives the classes; a BatchNorm behind it leaves their number.
        const last = !learned.slice(number).some((other) => other !== "batchnorm");
        this.learned(name, layer, last ? classes : this.parameters.extent(`${name}.weight`));
      } else if (layer === "softmax") {
        this.place({ kind: layer, name: "fc", inputs: [this.current] }, this.shape().channels);
      } else if (!idle.includes(layer)) this.activate("fc", layer as Activation);
    }
    this.endStage("head");
  }

  private learned(name: string, layer: string, rows: number): void {
    const { channels } = this.shape();
    if (layer === "batchnorm") {
      this.place({ ...this.batchNorm(name, channels), inputs: [this.current] }, channels);
    } else if (layer === "cosine") {
      this.place({ kind: "l2Normalize", name: `${name}.norm`, inputs: [this.current], epsilon: 1e-12 }, channels);
      this.linear(name, rows, (weight) => normalizedRows(weight, this.architecture.cosineScale ?? 1));
    } else this.linear(name, rows);
  }
}

/** Each row over its length, times `scale`. */
function normalizedRows(weight: Weight, scale: number): Weight {
  const row = weight.shape[1]!;
  return {
    ...weight,
    int8: undefined,
    read(begin, end, target) {
      weight.read(begin, end, target);
      for (let at = 0; at < (end - begin) * row; at += row) {
        const values = target.subarray(at, at + row);
        const factor = scale / Math.max(Math.hypot(...values), 1e-12);
        for (let i = 0; i < row; i++) values[i]! *= factor;
      }
    },
  };
}
