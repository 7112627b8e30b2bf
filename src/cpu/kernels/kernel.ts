import type { ConvOp, Graph } from "../../graph/network.js";
import type { Drafts } from "../program/drafts.js";

/** A way to compute a convolution: what the compiler must know of a kernel in assembly/. The table in choose/ chooses one. */
export interface ConvKernel {
  /** As assembly/ calls it; reports, and measurements that are kept, name it so. */
  readonly name: string;
  /** Whether it can compute this convolution. Whether it should is the table's to say. */
  fits(op: ConvOp, network: Graph): boolean;
  /** Drafts its records, with weights in its form, areas between its records, and a thread's scratch. */
  lower(drafts: Drafts, op: ConvOp): void;
}

/** Whether a convolution reads the image, its window, stride, dilation and groups, in one word to be compared. */
export const geometry = ({ inputs, kernel, stride, dilation, groups }: ConvOp, { input }: Graph): string =>
  [inputs[0] === input ? "image" : "value", ...kernel, ...stride, ...dilation, groups].join();
