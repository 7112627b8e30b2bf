import { UnsupportedModelError } from "../errors.js";
import type { ConvOp, ExtendedOp, Graph, LinearOp, Op, ValueId, ValueShape } from "../graph/network.js";
import { groupSpan, packedElements, packWeights } from "./pack.js";
import type { Tiling } from "./tiles.js";
import { assignBuffers } from "./values.js";
import { blur } from "./wgsl/blur.js";
import { type ConvolutionShape, convolution } from "./wgsl/convolution.js";
import { l2Normalize } from "./wgsl/l2-normalize.js";
import { convert, nchwToNhwc } from "./wgsl/layout.js";
import { hasActivation, pointwise } from "./wgsl/pointwise.js";
import { pool } from "./wgsl/pool.js";
import { reduce } from "./wgsl/reduce.js";
import type { Kernel, Storage } from "./wgsl/shader.js";
import { softmax } from "./wgsl/softmax.js";
import { zeroPad } from "./wgsl/zero-pad.js";

/** A buffer to be made at load. */
export interface BufferPlan {
  readonly label: string;
  readonly bytes: number;
  /** Writes what it holds from the start; null: zeros. */
  readonly fill: ((target: ArrayBuffer) => void) | null;
}

/** One dispatch. `buffers` are indices into the program's, in binding order. */
export interface Step {
  readonly name: string;
  readonly kernel: Kernel;
  readonly buffers: readonly number[];
}

/** Where an activation crosses between the CPU and the GPU. */
export interface Crossing {
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface StageProgram {
  readonly name: string;
  /** Runs first where the range begins here. */
  readonly enter: Step | null;
  readonly steps: readonly Step[];
  /** Runs last where the range ends here. */
  readonly leave: Step | null;
  readonly input: Crossing;
  readonly output: Crossing;
}

/** A network as data: the buffers that it needs and the dispatches of each stage. Knows no device. */
export interface Program {
  readonly buffers: readonly BufferPlan[];
  readonly stages: readonly StageProgram[];
}

/** Buffer offsets that a device may ask to be aligned are multiples of 256 bytes: 16 vectors of f32, 32 of f16. */
const HEAD_ALIGNMENT = 32;

const vectorsOf = ({ channels }: ValueShape) => Math.ceil(channels / 4);
const pixelsOf = ({ height, width }: ValueShape) => height * width;

/** What the compiler of a program has that an operation's dispatches need. */
export interface Surroundings {
  readonly storage: Storage;
  /** Vectors of zeros before each activation. */
  readonly head: number;
  readonly parameterBuffer: number;
  shapeOf(value: ValueId): ValueShape;
  bufferOf(value: ValueId): number;
  /** Appends values for each channel, and returns their first vector. */
  addParameters(values: ArrayLike<number>, channels: number): number;
}

export interface CompileOptions {
  readonly storage: Storage;
  readonly tiling: Tiling;
  /** Asked first: code that comes with the first network beside the plain ResNets. */
  readonly extended?: ((op: Op, around: Surroundings) => Step[] | null) | undefined;
}

export function compile(network: Graph, options: CompileOptions): Program {
  if (network.values.some(({ quantization }) => quantization)) {
    throw new UnsupportedModelError("The GPU has no kernels for integers. Run this network on the CPU.");
  }
  return new Compiler(network, options).compile();
}

class Compiler {
  readonly #network: Graph;
  readonly #storage: Storage;
  readonly #tiling: Tiling;
  readonly #buffers: BufferPlan[] = [];
  /** Vectors of zeros before each activation: as many as the widest has. */
  readonly #head: number;
  /** Buffer of each value. */
  readonly #values: readonly number[];
  readonly #parameters: number[] = [];
  readonly #parameterBuffer: number;
  readonly #partialBuffer: number;
  readonly #extended: CompileOptions["extended"];
  #partialBytes = 16;

  constructor(network: Graph, { storage, tiling, extended }: CompileOptions) {
    this.#network = network;
    this.#storage = storage;
    this.#tiling = tiling;
    this.#extended = extended;
    const widest = Math.max(...network.values.map(vectorsOf));
    this.#head = Math.ceil(widest / HEAD_ALIGNMENT) * HEAD_ALIGNMENT;
    const { bufferOf, sizes } = assignBuffers(network, (value) => this.#activationBytes(value));
    const first = this.#buffers.length;
    for (const [index, bytes] of sizes.entries()) this.#add(`activation ${index}`, bytes);
    this.#values = bufferOf.map((index) => first + index);
    this.#parameterBuffer = this.#add("parameters", 0);
    this.#partialBuffer = this.#add("partial sums", 0);
  }

  compile(): Program {
    const around = this.#extended && {
      storage: this.#storage,
      head: this.#head,
      parameterBuffer: this.#parameterBuffer,
      shapeOf: (value: ValueId) => this.#network.values[value]!,
      bufferOf: (value: ValueId) => this.#values[value]!,
      addParameters: (values: ArrayLike<number>, channels: number) => this.#addParameters(values, channels),
    };
    const stages = this.#network.stages.map(({ name, ops }) => ({
      name,
      steps: ops.flatMap((op) => (around && this.#extended!(op, around)) ?? this.#steps(op)),
    }));
    const crossings = this.#crossings();
    const parameters = Float32Array.from(this.#parameters);
    this.#buffers[this.#parameterBuffer] = {
      label: "parameters",
      bytes: Math.max(16, parameters.byteLength),
      fill: (target) => new Float32Array(target).set(parameters),
    };
    this.#buffers[this.#partialBuffer] = { label: "partial sums", bytes: this.#partialBytes, fill: null };
    return { buffers: this.#buffers, stages: stages.map((stage, index) => ({ ...stage, ...crossings[index]! })) };
  }

  /** The image comes as NCHW and passes a kernel; activations are copied as they lie, unless their storage is f16. */
  #crossings(): Pick<StageProgram, "enter" | "leave" | "input" | "output">[] {
    const { stages, values } = this.#network;
    const half = this.#storage === "f16";
    const f32Bytes = (value: ValueId) => pixelsOf(values[value]!) * vectorsOf(values[value]!) * 16;
    const image = values[this.#network.input]!;
    const imageBytes = pixelsOf(image) * image.channels * 4;
    const largest = Math.max(...stages.flatMap(({ input, output }) => [f32Bytes(input), f32Bytes(output)]));
    const host = this.#add("host", half ? largest : Math.ceil(imageBytes / 16) * 16);
    const direct = (value: ValueId): Crossing => ({
      buffer: this.#values[value]!,
      offset: this.#head * 16,
      bytes: f32Bytes(value),
    });
    const staged = (bytes: number): Crossing => ({ buffer: host, offset: 0, bytes });
    const converted = (direction: "in" | "out", value: ValueId): Step => {
      const count = f32Bytes(value) / 16;
      const activation = this.#values[value]!;
      return {
        name: `convert ${direction}`,
        kernel: convert(direction, this.#storage, count, this.#head),
        buffers: direction === "in" ? [host, activation] : [activation, host],
      };
    };
    return stages.map(({ input, output }, index) => {
      const enter: Step | null =
        index === 0
          ? {
              name: "image",
              kernel: nchwToNhwc(this.#storage, pixelsOf(image), image.channels, this.#head),
              buffers: [host, this.#values[input]!],
            }
          : half
            ? converted("in", input)
            : null;
      return {
        enter,
        input: index === 0 ? staged(imageBytes) : half ? staged(f32Bytes(input)) : direct(input),
        leave: half ? converted("out", output) : null,
        output: half ? staged(f32Bytes(output)) : direct(output),
      };
    });
  }

  #steps(op: Op): Step[] {
    const { values } = this.#network;
    const from = values[op.inputs[0]]!;
    const to = values[op.output]!;
    const storage = this.#storage;
    const head = this.#head;
    const extents = { pixels: pixelsOf(to), vectors: vectorsOf(to) };
    const common = { storage, head, ...extents };
    const x = this.#values[op.inputs[0]]!;
    const y = this.#values[op.output]!;
    const step = (kernel: Kernel, ...buffers: number[]): Step[] => [{ name: op.name, kernel, buffers }];
    switch (op.kind) {
      case "conv":
      case "linear":
        return this.#convolution(op, from, to);
      case "maxPool":
      case "averagePool":
      case "globalAveragePool":
      case "globalMaxPool": {
        const global = op.kind === "globalAveragePool" || op.kind === "globalMaxPool";
        const whole = [from.height, from.width] as const;
        const kernel = pool({
          ...common,
          kind: op.kind === "maxPool" || op.kind === "globalMaxPool" ? "max" : "average",
          input: from,
          output: to,
          kernel: global ? whole : op.kernel,
          stride: global ? whole : op.stride,
          padding: global ? [0, 0, 0, 0] : op.padding,
          countPadding: op.kind === "averagePool" && op.countPadding,
        });
        return step(kernel, x, y);
      }
      case "add":
        return step(pointwise({ ...common, kind: "add", relu: op.relu }), x, this.#values[op.inputs[1]]!, y);
      case "relu":
        return step(pointwise({ ...common, kind: "relu", relu: true }), x, y);
      case "batchNorm": {
        const scale = this.#addParameters(op.scale.read(), to.channels);
        const shift = this.#addParameters(op.shift.read(), to.channels);
        const kernel = pointwise({ ...common, kind: "batchNorm", relu: op.relu, scale, shift });
        return step(kernel, x, this.#parameterBuffer, y);
      }
      case "zeroPadShortcut": {
        const kernel = zeroPad({
          storage,
          head,
          input: { width: from.width, channels: from.channels, vectors: vectorsOf(from) },
          output: { ...to, vectors: vectorsOf(to) },
          stride: op.stride,
          before: op.before,
        });
        return step(kernel, x, y);
      }
      case "softmax":
        return step(softmax({ ...common, channels: to.channels }), x, y);
      case "activation":
        if (!hasActivation(op.function)) throw unknown(op.function);
        return step(pointwise({ ...common, kind: op.function, relu: false, slope: op.slope }), x, y);
      case "blurPool":
        return step(blur({ ...common, input: from, output: to, stride: op.stride }), x, y);
      case "l2Normalize":
        return step(l2Normalize({ ...common, epsilon: op.epsilon }), x, y);
      default:
        throw unknown((op satisfies ExtendedOp).kind);
    }
  }

  #convolution(op: ConvOp | LinearOp, from: ValueShape, to: ValueShape): Step[] {
    const plain = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
    const { kernel, stride, padding, dilation } = op.kind === "conv" ? op : plain;
    const groups = op.kind === "conv" ? op.groups : 1;
    const { relu } = op;
    const added = op.inputs.slice(1).map((value) => this.#values[value]!);
    const pixels = pixelsOf(to);
    const tile = this.#tiling.tile({ pixels, channels: to.channels, groups });
    const pack = {
      inputs: from.channels,
      outputs: to.channels,
      groups,
      taps: kernel[0] * kernel[1],
      tileChannels: tile.channels * tile.threads[0],
      span: groupSpan(from.channels, to.channels, groups),
    };
    const storage = this.#storage;
    const weights = this.#add(op.name, packedElements(pack) * (storage === "f16" ? 2 : 4), (target) =>
      packWeights(op.weight, pack, storage, target),
    );
    const bias = this.#addParameters(op.bias?.read() ?? [], to.channels);
    const shape: ConvolutionShape = {
      input: { ...from, vectors: vectorsOf(from) },
      output: { ...to, vectors: vectorsOf(to) },
      kernel,
      stride,
      padding,
      dilation,
      groupInputs: from.channels / groups,
      groupOutputs: to.channels / groups,
      span: pack.span,
    };
    const options = { storage, tile, head: this.#head, bias, residual: added.length > 0, relu, splits: 1 };
    const whole = convolution(shape, options);
    const x = this.#values[op.inputs[0]]!;
    const y = this.#values[op.output]!;
    const splits = splitsFor(whole.workgroups[0] * whole.workgroups[1], pack.span, this.#tiling.leastWorkgroups);
    if (splits === 1) {
      return [{ name: op.name, kernel: whole, buffers: [x, weights, this.#parameterBuffer, ...added, y] }];
    }
    const vectors = vectorsOf(to);
    this.#partialBytes = Math.max(this.#partialBytes, splits * pixels * vectors * 16);
    return [
      {
        name: op.name,
        kernel: convolution(shape, { ...options, splits }),
        buffers: [x, weights, this.#partialBuffer],
      },
      {
        name: `${op.name} reduce`,
        kernel: reduce({ ...options, pixels, vectors, splits }),
        buffers: [this.#partialBuffer, this.#parameterBuffer, ...added, y],
      },
    ];
  }

  #activationBytes(value: ValueId): number {
    const shape = this.#network.values[value]!;
    return (this.#head + pixelsOf(shape) * vectorsOf(shape)) * (this.#storage === "f16" ? 8 : 16);
  }

  #add(label: string, bytes: number, fill: BufferPlan["fill"] = null): number {
    return this.#buffers.push({ label, bytes, fill }) - 1;
  }

  /** Appends values, padded with zeros to whole vectors, and returns their first vector. */
  #addParameters(values: ArrayLike<number>, channels: number): number {
    const at = this.#parameters.length;
    for (let channel = 0; channel < channels; channel++) this.#parameters.push(values[channel] ?? 0);
    while (this.#parameters.length % 4) this.#parameters.push(0);
    return at / 4;
  }
}

function unknown(kind: string): UnsupportedModelError {
  return new UnsupportedModelError(`The GPU has no kernel for "${kind}". Run this network on the CPU.`);
}

/** Slices of the sum over input channels: enough workgroups, at least four vectors each, none of them empty. */
function splitsFor(workgroups: number, span: number, least: number): number {
  const wanted = Math.min(Math.ceil(least / workgroups), Math.max(1, Math.floor(span / 4)));
  return Math.ceil(span / Math.ceil(span / wanted));
}
