import { Field, Kernel, WinogradField } from "../../../assembly/shared/record.js";
import type { ConvOp, Graph, Op, Rows } from "../../graph/network.js";
import { COUNT, type Stacked } from "../../graph/stacked.js";
import { chooseConvKernel } from "../choose/choose.js";
import { direct } from "../kernels/direct.js";
import { strassen } from "../kernels/strassen.js";
import { winograd4 } from "../kernels/winograd.js";
import { lean } from "../kernels/winograd-lean.js";
import { Drafts, type WeightDraft, type Words } from "../program/drafts.js";
import type { Step } from "../program/program.js";
import { lower } from "./lower.js";

/**
 * Kernels that others stand in for in a stack. Strassen's products would pair the rows of pictures. A stack has so many tiles that
 * filters are transformed on the way in little time, and such weights take a quarter of the memory.
 */
const replaced = new Map([
  [strassen, direct],
  [winograd4, lean],
]);

/** A record of a stack. */
export interface StackedRecord {
  readonly op: Op;
  /** For one picture, for two, and so on to `COUNT`. */
  readonly words: readonly Words[];
}

/**
 * The stacked convolutions read the weights that those of one picture read, which take the same kernels for that. No number depends on
 * what else is in the stack.
 */
export class StackedLowering {
  /** By the step itself: names are not unique. */
  readonly #records = new WeakMap<Step, StackedRecord>();
  readonly #stackedOf: ReadonlyMap<Op, Op>;

  constructor(private readonly stacked: Stacked) {
    this.#stackedOf = new Map([...stacked.twins].map(([op, twin]) => [twin, op]));
  }

  /** Undefined for a step of single pictures. */
  readonly recordOf = (step: Step): StackedRecord | undefined => this.#records.get(step);

  readonly lower = (given: object, op: Op): void => {
    const drafts = given as Drafts;
    const { graph, twins } = this.stacked;
    const isStacked = twins.has(op);
    const stacked = isStacked ? op : this.#stackedOf.get(op);
    if (!stacked) {
      (drafts.options.integers?.lower ?? lower)(drafts, op);
      return;
    }
    const lowerIn = drafts.options.integers
      ? lowererOfIntegers(drafts, op, stacked)
      : this.#lowererOfFloats(drafts, op, stacked);
    // Pictures are kept in the stack's input from the program's beginning on.
    drafts.areas[drafts.areaOf[graph.stages.at(-1)!.input]!]!.first = 0;
    const [firstRecord, firstWeights] = [drafts.records.length, drafts.weights.length];
    lowerIn(drafts);
    if (!isStacked) return;
    shareWeights(drafts, firstRecord, firstWeights);
    // Only the words tell how many rows there are: with fewer, areas and weights stay where they are.
    const counts = Array.from({ length: COUNT }, (_, index) => {
      const few = new Drafts(ofPictures(drafts.network, graph, twins, index + 1), drafts.options);
      lowerIn(few);
      drafts.needScratch(few.scratchBytes);
      return few.records;
    });
    for (const [index, { step }] of drafts.records.slice(firstRecord).entries()) {
      this.#records.set(step, { op, words: counts.map((records) => records[index]!.words) });
    }
  };

  #lowererOfFloats({ options }: Drafts, op: Op, stacked: Op): (drafts: Drafts) => void {
    const { graph, twins } = this.stacked;
    const kernelOf = (it: Op) => chooseConvKernel(it as ConvOp, graph, options);
    return (drafts) => {
      if (op.kind !== "conv") {
        lower(drafts, op);
        return;
      }
      const [own, shared] = [kernelOf(op), kernelOf(stacked)];
      const from = drafts.records.length;
      if (own === strassen && !twins.has(op)) own.lower(drafts, op);
      else (replaced.get(shared) ?? shared).lower(drafts, op);
      const { pictures } = drafts.shape(op.output);
      if (pictures) tellPictures(drafts, from, pictures);
    };
  }
}

/** Whether minimal filtering is used is decided for the whole stack: fewer pictures, and one alone, take the same kernel for the same weights. */
function lowererOfIntegers({ network, options }: Drafts, op: Op, stacked: Op): (drafts: Drafts) => void {
  const { lower } = options.integers!;
  const tried = new Drafts(network, options);
  lower(tried, stacked);
  const isFiltered = tried.records.some(({ words }) => words[Field.kernel] === Kernel.qs8Winograd);
  // What minimal filtering costs: nothing, so that it is taken, or more than anything else.
  const filtering = isFiltered ? 0 : Number.POSITIVE_INFINITY;
  return (drafts) => {
    const own = drafts.options;
    drafts.options = { ...own, integers: { ...own.integers!, filtering } };
    lower(drafts, op);
    drafts.options = own;
  };
}

/** Lean records from `from` on are given the rows of each picture. */
function tellPictures({ records }: Drafts, from: number, { height, period }: Rows): void {
  for (const [at, draft] of records.entries()) {
    if (at < from || draft.words[Field.kernel] !== Kernel.winogradLean) continue;
    const words = { [WinogradField.pictureTiles]: period / 4, [WinogradField.pictureHeight]: height };
    records[at] = { ...draft, words: { ...draft.words, ...words } };
  }
}

/** The network with stacks of `count` pictures. */
function ofPictures(network: Graph, graph: Graph, twins: Stacked["twins"], count: number): Graph {
  const tall = new Set([...twins.keys()].flatMap(({ inputs, output }) => [...inputs, output]));
  const values = graph.values.map((it, value) =>
    tall.has(value) ? { ...it, height: (it.height / COUNT) * count } : it,
  );
  return { ...network, values };
}

/** Weights that were there before are not packed again. */
function shareWeights({ records, weights }: Drafts, firstRecord: number, firstWeights: number): void {
  const places = weights.splice(firstWeights).map((it) => {
    const twin = weights.findIndex((other) => isSame(it, other));
    return twin < 0 ? weights.push(it) - 1 : twin;
  });
  for (const [at, draft] of records.entries()) {
    if (at < firstRecord || draft.weights === undefined) continue;
    records[at] = { ...draft, weights: places[draft.weights - firstWeights] };
  }
}

/** Of integers one operation's factors are another's where they have the same weight and bias: no reader gives these to two. */
const isSame = (one: WeightDraft, other: WeightDraft) =>
  (["weight", "bias", "depth", "taps", "groups", "groupOut"] as const).every((it) => one[it] === other[it]) &&
  (one.form === other.form || (one.form.side !== undefined && one.form.side === other.form.side));
