import { OptionError } from "../../errors.js";
import type { Activation, Architecture, Network, Weight } from "../../graph/network.js";
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
        this.learned(name, layer, last ? classes : this.parameters.rows(`${name}.weight`));
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
