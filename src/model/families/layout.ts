import { UnsupportedModelError } from "../../errors.js";
import type {
  ActivationOp,
  KnownArchitecture,
  Network,
  Op,
  Padding,
  Stage,
  ValueId,
  ValueShape,
  Vector,
  Weight,
} from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import { batchNormOf, type Sides, slide } from "../assemble.js";
import type { Parameters } from "../parameters.js";

/** An operation without what the layout fills in. */
export type Unplaced = Op extends infer O ? (O extends Op ? Omit<O, "output"> : never) : never;

export type ActivationFunction = "relu" | ActivationOp["function"];

/** What a whole network has in common. */
export interface LayoutTraits {
  readonly epsilon?: number | undefined;
  /** "same": TensorFlow's. */
  readonly padding?: "symmetric" | "same" | undefined;
}

export interface KernelTraits {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly dilation?: number;
}

/** Lays out a network layer by layer, under the names of its file: each layer reads what the one before it made. */
export class Layout {
  /** What the next layer reads. */
  current: ValueId = 0;
  readonly #values: ValueShape[];
  readonly #stages: Stage[] = [];
  #ops: Op[] = [];
  #stageInput: ValueId = 0;
  #counted = 0;
  #kept = 0;

  constructor(
    readonly parameters: Parameters,
    [height, width]: Sides,
    private readonly traits: LayoutTraits = {},
  ) {
    this.#values = [{ height, width, channels: 3 }];
  }

  get shape(): ValueShape {
    return this.#values[this.current]!;
  }

  shapeOf(value: ValueId): ValueShape {
    return this.#values[value]!;
  }

  emit(op: Unplaced, result: ValueShape): this {
    this.current = this.#values.push(result) - 1;
    this.#ops.push({ ...op, output: this.current } as Op);
    return this;
  }

  /** A convolution without what follows it; biased where the file has a bias. `change`: of its weights, when they are read. */
  convolution(name: string, out: number, traits: KernelTraits = {}, change = (weight: Weight) => weight): this {
    const { kernel = 1, stride = 1, groups = 1, dilation = 1 } = traits;
    const { height, width, channels } = this.shape;
    const shape = [out, channels / groups, kernel, kernel];
    const weight = change(this.parameters.weight(`${name}.weight`, shape));
    this.#counted += elementCount(shape);
    const [rows, columns] = [height, width].map((extent) => this.#window(extent, kernel, stride, dilation)) as [
      Window,
      Window,
    ];
    return this.emit(
      {
        kind: "conv",
        name,
        inputs: [this.current],
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: [rows.before, columns.before, rows.after, columns.after],
        dilation: [dilation, dilation],
        groups,
        weight,
        bias: this.#bias(name, out),
        relu: false,
      },
      { height: rows.count, width: columns.count, channels: out },
    );
  }

  #window(extent: number, kernel: number, stride: number, dilation: number): Window {
    const reach = dilation * (kernel - 1) + 1;
    if (this.traits.padding === "same") {
      const count = Math.ceil(extent / stride);
      const padded = Math.max(0, (count - 1) * stride + reach - extent);
      const before = padded >> 1;
      return { count, before, after: padded - before };
    }
    const side = (dilation * (kernel - 1)) >> 1;
    return { count: slide(extent, reach, stride, side), before: side, after: side };
  }

  /** A BatchNorm; none where the convolution before it is biased and the file has none: it was folded when that was written. */
  batchNorm(name: string): this {
    const last = this.#ops.at(-1);
    const folded = last?.kind === "conv" && last.bias && !this.parameters.has(`${name}.running_mean`);
    if (folded) return this;
    const { channels } = this.shape;
    this.#counted += 2 * channels;
    this.#kept++;
    const op = batchNormOf(this.parameters, name, channels, this.traits.epsilon);
    return this.emit({ ...op, inputs: [this.current] }, this.shape);
  }

  /** GroupNorm; InstanceNorm where there are as many groups as channels. */
  groupNorm(name: string, groups: number): this {
    const { channels } = this.shape;
    if (channels % groups !== 0) {
      throw new UnsupportedModelError(
        `${name} has ${channels} channels, which are not ${groups} groups: state architecture.normGroups.`,
      );
    }
    const [scale, shift] = ["weight", "bias"].map((tensor) =>
      this.parameters.vector(`${name}.${tensor}`, channels),
    ) as [Vector, Vector];
    this.#counted += 2 * channels;
    const { epsilon = 1e-5 } = this.traits;
    return this.emit(
      { kind: "normalize", name, inputs: [this.current], groups, over: "image", epsilon, scale, shift },
      this.shape,
    );
  }

  activate(name: string, activation: ActivationFunction): this {
    if (activation === "relu") return this.emit({ kind: "relu", name, inputs: [this.current] }, this.shape);
    // A hard sigmoid is relu6(x + 3) / 6.
    const own = activation === "hard-sigmoid" ? { alpha: 1 / 6, beta: 0.5 } : {};
    return this.emit({ kind: "activation", name, inputs: [this.current], function: activation, ...own }, this.shape);
  }

  /** Throws `UnsupportedModelError` where the two have other extents. */
  add(name: string, other: ValueId): this {
    const [one, two] = [this.shape, this.shapeOf(other)].map((it) => `${it.height} x ${it.width} x ${it.channels}`);
    if (one !== two) throw new UnsupportedModelError(`${name} adds ${one} and ${two}: the file lacks a projection.`);
    return this.emit({ kind: "add", name, inputs: [this.current, other], relu: false }, this.shape);
  }

  maxPool(name: string, kernel: number, stride: number, padding: number): this {
    const { height, width, channels } = this.shape;
    return this.emit(
      {
        kind: "maxPool",
        name,
        inputs: [this.current],
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: around(padding),
      },
      {
        height: slide(height, kernel, stride, padding),
        width: slide(width, kernel, stride, padding),
        channels,
      },
    );
  }

  /** PyTorch's AvgPool2d in ceil mode, padding not counted. */
  averagePool(name: string, kernel: number, stride: number): this {
    const { height, width, channels } = this.shape;
    return this.emit(
      {
        ...{ kind: "averagePool", name, inputs: [this.current], padding: around(0), countPadding: false },
        ...{ kernel: [kernel, kernel], stride: [stride, stride] },
      },
      { height: Math.ceil(height / stride), width: Math.ceil(width / stride), channels },
    );
  }

  /** Zeros around. */
  pad(name: string, side: number): this {
    const { height, width, channels } = this.shape;
    return this.emit(
      { kind: "pad", name, inputs: [this.current], before: [side, side, 0], mode: "constant", value: 0 },
      { height: height + 2 * side, width: width + 2 * side, channels },
    );
  }

  globalAveragePool(name: string): this {
    const { channels } = this.shape;
    return this.emit({ kind: "globalAveragePool", name, inputs: [this.current] }, { height: 1, width: 1, channels });
  }

  /** Of a 1 x 1 value. `pointwise`: the file has it as a 1x1 convolution. */
  linear(name: string, rows: number, pointwise = false): this {
    const { channels } = this.shape;
    const shape = [rows, channels];
    const stored = this.parameters.weight(`${name}.weight`, pointwise ? [...shape, 1, 1] : shape);
    this.#counted += rows * channels;
    const weight = { ...stored, shape };
    return this.emit(
      { kind: "linear", name, inputs: [this.current], weight, bias: this.#bias(name, rows), relu: false },
      { height: 1, width: 1, channels: rows },
    );
  }

  /** Squeeze and excitation (Hu et al. 2017) of what came last, by two 1x1 convolutions with so many channels between them. */
  squeeze(
    reduce: string,
    expand: string,
    channels: number,
    activation: ActivationFunction,
    gate: ActivationFunction = "sigmoid",
  ): this {
    const input = this.current;
    return this.globalAveragePool(`${reduce}.pool`)
      .linear(reduce, channels, true)
      .activate(`${reduce}.act`, activation)
      .linear(expand, this.shapeOf(input).channels, true)
      .activate(`${expand}.gate`, gate)
      .gate(`${expand}.multiply`, input);
  }

  /** Multiplies by a gate: a value of one number for each channel. */
  gate(name: string, input: ValueId): this {
    return this.emit(
      { kind: "binary", name, inputs: [input, this.current], function: "multiply" },
      this.shapeOf(input),
    );
  }

  #bias(layer: string, length: number): Vector | null {
    if (!this.parameters.has(`${layer}.bias`)) return null;
    this.#counted += length;
    return this.parameters.vector(`${layer}.bias`, length);
  }

  /** Ends a stage; nothing where no layer came since the last one. */
  endStage(name: string): void {
    if (this.#ops.length === 0) return;
    this.#stages.push({
      name,
      input: this.#stageInput,
      output: this.current,
      ops: this.#ops,
      parameters: this.#counted,
    });
    this.#stageInput = this.current;
    this.#ops = [];
    this.#counted = 0;
  }

  network(architecture: KnownArchitecture): Network {
    return {
      architecture,
      values: this.#values,
      stages: this.#stages,
      input: 0,
      output: this.current,
      parameters: this.#stages.reduce((sum, stage) => sum + stage.parameters!, 0),
      batchNorms: { folded: 0, kept: this.#kept },
    };
  }
}

interface Window {
  readonly count: number;
  readonly before: number;
  readonly after: number;
}

const around = (side: number): Padding => [side, side, side, side];
