import type { Tile } from "../../../assembly/shared/record.js";
import type { Op, ValueId, ValueShape, Vector, Weight } from "../../graph/network.js";
import type { Kernels } from "../module.js";
import type { TileName } from "./tiles.js";

/** How weights lie in wasm memory; each kernel reads one form. */
export interface PackForm {
  /** Bytes that one input channel of a panel of eight output channels takes, with its `taps`. */
  channelBytes(taps: number): number;
  /** Of a table for each panel, which `pack` writes as well; absent: eight biases, which it does not. */
  readonly biasBytes?: number;
  /** Of integers: input channels side by side, which tells one form of a layer's weights from another. */
  readonly side?: number;
  /** Writes a job's weights; yields, before it reads any, how much of the network's file must be here for that. */
  pack(job: PackJob, program: Program, kernels: Kernels): Generator<number, void>;
}

/** Packed weights of one record, and how to make them. */
export interface PackJob {
  readonly weight: Weight;
  readonly bias: Vector | null;
  readonly form: PackForm;
  /** Input channels that one tap reads, with padding; the file's own count may be less. */
  readonly depth: number;
  readonly taps: number;
  readonly groups: number;
  /** Padded output channels of a group. */
  readonly groupOut: number;
  readonly weightsAt: number;
  /** Where the first bytes of the panels' cache lines are noted (assembly/gemm/ahead.ts); 0: nowhere. */
  readonly firstBytesAt: number;
  readonly biasAt: number;
}

/** One record with what reports need to know of it. */
export interface Step {
  readonly stage: number;
  /** Of the operation, as the file has it: others may have the same. */
  readonly name: string;
  /** The value that the operation makes. */
  readonly output: ValueId;
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
  readonly affines: readonly { scale: Vector; shift: Vector; scaleAt: number; shiftAt: number }[];
  readonly integers?: Integers | undefined;
  readonly recordsAt: number;
  readonly syncAt: number;
  readonly scratchAt: number;
  /** Of one thread. */
  readonly scratchBytes: number;
  /** A region that is free while weights are packed, at the arena's beginning. */
  readonly stagingAt: number;
  readonly stagingBytes: number;
  readonly bytes: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
}

export interface Place {
  readonly at: number;
  readonly length: number;
}

/** What lowers networks of integers; code that comes with the first of them. */
export interface Integers {
  readonly tile: Tile;
  /** The tile's, for reports. */
  readonly name: string;
  /** Whether products of sixteen bits take two panels at a time. */
  readonly pairs: boolean;
  /** What a multiply-add of minimal filtering takes here, in multiply-adds of the tile. */
  readonly filtering: number;
  /** And one of Strassen's products of halves. */
  readonly halving: number;
  /** `drafts`: a `Drafts`. */
  lower(drafts: object, op: Op): void;
  checkFinite(input: Float32Array): void;
  toFloat(buffer: ArrayBufferLike, at: number, shape: ValueShape): Float32Array;
  fromFloat(values: Float32Array, buffer: ArrayBufferLike, at: number, shape: ValueShape): void;
}

/** What the choice of kernels depends on beside the network. */
export interface ChoiceOptions {
  /** Where they were measured: names of kernels, by shape (`shapeOf`). */
  readonly kernels?: Readonly<Record<string, string>> | undefined;
  readonly memory: "fast" | "small";
  readonly convolution: "auto" | "direct" | "winograd2" | "winograd4" | "winograd4-lean";
  /** Of the matrix product, where it is known. */
  readonly tile?: TileName | undefined;
}

export interface CompileOptions extends ChoiceOptions {
  readonly threads: number;
  /** Absent: values and weights are computed in f32, whatever they are. */
  readonly integers?: Integers | undefined;
  /** Lowers each operation, where that is not the plain lowering's work. */
  readonly lower?: Integers["lower"] | undefined;
}
