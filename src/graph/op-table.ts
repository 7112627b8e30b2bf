import type { Op, ValueId } from "./network.js";

export type OpKind = Op["kind"];
export type OpOf<K extends OpKind> = Extract<Op, { kind: K }>;

/** What each kind of operation must state here. Its lowering is forced by `cpu/lower/lower.ts` and `gpu/program.ts`. */
export interface OpRow<K extends OpKind> {
  /** Which input is only added, element by element, at the end: the sum may be written over it. Null: none is. */
  readonly summand: OpOf<K>["inputs"] extends readonly [ValueId] ? null : 1 | null;
  /** "weights": one for each weight and output pixel. */
  readonly macs: "weight" extends keyof OpOf<K> ? "weights" : "none";
  /** Whether a ReLU behind it can become part of it. */
  readonly relu: "relu" extends keyof OpOf<K> ? true : false;
}

/** A row for every kind: a table that lacks one, or whose row is untrue, does not compile. */
export type Complete<T extends { readonly [K in OpKind]: OpRow<K> }> = T;

type Plain = { summand: null; macs: "none"; relu: false };

/** The table is of types, so that it adds nothing to a page. Every function that tells kinds apart checks its last branch by it. */
export type OpTable = Complete<{
  conv: { summand: 1; macs: "weights"; relu: true };
  linear: { summand: null; macs: "weights"; relu: true };
  add: { summand: 1; macs: "none"; relu: true };
  batchNorm: { summand: null; macs: "none"; relu: true };
  relu: Plain;
  activation: Plain;
  maxPool: Plain;
  averagePool: Plain;
  globalAveragePool: Plain;
  globalMaxPool: Plain;
  blurPool: Plain;
  zeroPadShortcut: Plain;
  l2Normalize: Plain;
  softmax: Plain;
  binary: Plain;
  concat: Plain;
  slice: Plain;
  pad: Plain;
  transpose: Plain;
  reshape: Plain;
  shuffleChannels: Plain;
  normalize: Plain;
  localResponse: Plain;
}>;

/** Kinds whose row has this value in this column. */
export type KindsWith<Column extends keyof OpRow<OpKind>, Value> = {
  [K in OpKind]: OpTable[K][Column] extends Value ? K : never;
}[OpKind];
