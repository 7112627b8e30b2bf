import type { Graph, Op, Rows, Stage, ValueId, ValueShape } from "./network.js";

/** Pictures of a stack. */
export const COUNT = 8;
/** A stage is stacked where its output has at most this many pixels. One picture uses each weight once for every pixel. */
const MOST_PIXELS = 64;
/** The same where no 1x1 convolution has a stride of 1: those of one picture with more pixels take Strassen's products, which stacks do without. */
const MOST_FILTERED = 256;
/**
 * Each picture begins on a whole tile of F(4x4), so that its numbers do not depend on its place. No more rows than a tile has lie between
 * two pictures: there are no rows of tiles beside theirs.
 */
const ALIGNMENT = 4;
/** At most this share of a picture's rows may lie between two pictures. */
const MOST_APART = 0.25;

/** A graph whose stages are the given one's and one more: stages `first` to `last` on a stack of pictures. */
export interface Stacked {
  readonly graph: Graph;
  readonly first: number;
  readonly last: number;
  /** Of the stacked stage's input and output. */
  readonly input: Rows;
  readonly output: Rows;
  /** Of each operation of the stacked stage, the one that does the same on one picture. */
  readonly twins: ReadonlyMap<Op, Op>;
  /** Operations behind which the rows between pictures are to be zeros again: a window will reach into them. */
  readonly separated: ReadonlyMap<Op, Rows>;
}

/**
 * The last stages before the head, on `COUNT` pictures one above the other, with rows of zeros between them in place of padding. A
 * picture of few pixels uses each weight a few times, so that weights are read, or transformed, longer than they are multiplied;
 * eight pictures share that. Null where no stage has so few pixels, or one has operations that would mix pictures or groups, or integers
 * of which 0 does not stand for 0.
 */
export function stackLast(network: Graph): Stacked | null {
  const { stages, values } = network;
  if (values.some(({ quantization }) => quantization?.zero)) return null;
  // A global pool may be a stage of its own.
  const last = stages.slice(0, -1).findLastIndex(({ ops }) => ops.some(({ kind }) => kind === "conv"));
  let first = last + 1;
  // The first stage reads planes.
  while (first > 1 && hasFewPixels(stages[first - 1]!, network)) first--;
  for (; first <= last; first++) {
    const singles = stages.slice(first, last + 1).flatMap(({ ops }) => ops);
    const periods = shortest(singles, network, stages[first]!.input);
    if (periods) return stack(network, first, last, singles, periods);
  }
  return null;
}

function stack(
  network: Graph,
  first: number,
  last: number,
  singles: readonly Op[],
  periods: ReadonlyMap<ValueId, number>,
): Stacked {
  const { stages, values } = network;
  const { input } = stages[first]!;
  const { output } = stages[last]!;
  const rowsOf = (value: ValueId): Rows => ({ height: values[value]!.height, period: periods.get(value)! });
  const ids = new Map([...periods.keys()].map((value, index) => [value, values.length + index]));
  const tall = [...periods].map(([value, period]): ValueShape => {
    return { ...values[value]!, height: COUNT * period, pictures: rowsOf(value) };
  });
  const reached = new Set(singles.flatMap((op) => (reachOf(op, network) > 0 ? [op.inputs[0]] : [])));
  const twins = new Map<Op, Op>();
  const separated = new Map<Op, Rows>();
  for (const single of singles) {
    const inputs = single.inputs.map((value) => ids.get(value)!) as [ValueId];
    const op = { ...single, inputs, output: ids.get(single.output)! } as Op;
    twins.set(op, single);
    if (reached.has(single.output)) separated.set(op, rowsOf(single.output));
  }
  const stage: Stage = {
    name: stages
      .slice(first, last + 1)
      .map(({ name }) => name)
      .join(" "),
    input: ids.get(input)!,
    output: ids.get(output)!,
    ops: [...twins.keys()],
  };
  const graph = { ...network, values: [...values, ...tall], stages: [...stages, stage] };
  return { graph, first, last, input: rowsOf(input), output: rowsOf(output), twins, separated };
}

function hasFewPixels({ ops, output }: Stage, { values }: Graph): boolean {
  const { height, width, quantization } = values[output]!;
  const isPointwise = (op: Op) => op.kind === "conv" && op.stride[0] === 1 && op.kernel[0] * op.kernel[1] === 1;
  // Of integers, 1x1 convolutions would gain no more than the rows between pictures cost them.
  const most = quantization ? 0 : MOST_PIXELS;
  return height * width <= (ops.some(isPointwise) ? most : MOST_FILTERED);
}

/** Rows from one picture to the next, of every value: as few as will do. */
function shortest(ops: readonly Op[], network: Graph, input: ValueId): Map<ValueId, number> | null {
  const { height } = network.values[input]!;
  for (let period = height + 1; period <= (1 + MOST_APART) * height; period++) {
    const periods = periodsOf(ops, network, input, period);
    if (periods) return periods;
  }
  return null;
}

/** Null where an operation mixes pictures that are so far apart. */
function periodsOf(ops: readonly Op[], network: Graph, input: ValueId, period: number): Map<ValueId, number> | null {
  const { values } = network;
  const periods = new Map([[input, period]]);
  for (const op of ops) {
    const window = windowOf(op);
    if (!window) return null;
    const from = periods.get(op.inputs[0])!;
    const to = from / window.stride;
    const apart = from - values[op.inputs[0]]!.height;
    if (reachOf(op, network) > (window.takesZeros ? apart : 0) || from % ALIGNMENT || to % ALIGNMENT) return null;
    // With padding there may be more rows than there were.
    const { height } = values[op.output]!;
    if (height > to || to - height > ALIGNMENT) return null;
    // What is added lies as far apart.
    if (op.inputs.some((value, index) => index > 0 && periods.get(value) !== to)) return null;
    periods.set(op.output, to);
  }
  return periods;
}

/** How many rows above a picture, or below it, an operation reads: the more of them. */
function reachOf(op: Op, { values }: Graph): number {
  const { kernel, stride, before } = windowOf(op)!;
  const beyond = (values[op.output]!.height - 1) * stride + kernel - before - values[op.inputs[0]]!.height;
  return Math.max(before, beyond);
}

interface Window {
  /** Rows: with dilation, the step, and those of padding above. */
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  /** Rows of zeros beside a picture are to it what its padding is. */
  readonly takesZeros: boolean;
}

const ONE: Window = { kernel: 1, stride: 1, before: 0, takesZeros: true };

/** Which rows an operation reads for one of its output; null where that is more than a window's, or not known. */
function windowOf(op: Op): Window | null {
  switch (op.kind) {
    case "conv":
      // Groups have few weights, which one picture alone reads as fast: eight ResNeXt-50 take 1.1 times as long.
      if (op.groups > 1) return null;
      return { ...rowsOf(op), kernel: (op.kernel[0] - 1) * op.dilation[0] + 1, takesZeros: true };
    case "maxPool":
    case "averagePool":
      return (op.dilation?.[0] ?? 1) === 1 ? { ...rowsOf(op), kernel: op.kernel[0], takesZeros: false } : null;
    case "zeroPadShortcut":
      return { ...ONE, stride: op.stride };
    case "add":
    case "relu":
    case "batchNorm":
    case "activation":
      return ONE;
    default:
      return null;
  }
}

const rowsOf = ({ stride, padding }: { stride: readonly [number, number]; padding: readonly number[] }) => ({
  stride: stride[0],
  before: padding[0]!,
});
