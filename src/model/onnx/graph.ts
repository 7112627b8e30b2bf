import { ModelFormatError, OptionError, UnsupportedModelError } from "../../errors.js";
import { fuse } from "../../graph/fuse.js";
import type { KnownArchitecture, Network } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import { MixesImages } from "./builder.js";
import type { Beside, Constant } from "./constants.js";
import { folds } from "./fold.js";
import { isView, Mapper, type Value } from "./mapper.js";
import { nameOf } from "./names.js";
import { operators } from "./operators.js";
import { ordered, stagesOf } from "./order.js";
import { type GraphProto, isFloat, type Node, Type, type ValueInfo } from "./proto.js";
import { bad } from "./shapes.js";
import { type Batch, type Dim, dims, extentOf, inValue, isBatch, type Places, shapeOf, type View } from "./views.js";

/** The operator set whose changes are known. */
const NEWEST = 23;

export interface OnnxOptions {
  readonly inputSize?: number | readonly [height: number, width: number] | undefined;
  readonly foldBatchNorm?: boolean | undefined;
  readonly architecture?: string | Partial<KnownArchitecture> | undefined;
  /** Keep a graph's integers, where it has some. */
  readonly integers?: boolean | undefined;
  /** Values of the graph's inputs but one, by name. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number> | ArrayLike<bigint>>> | undefined;
}

/** What few graphs have, and is loaded where one does. */
type More = typeof import("./more/index.js");
type Quantized = typeof import("./quantized/index.js");

/** What a file holds, read as far as its tensors' places. */
export interface Source extends Beside {
  readonly more: More | null;
  readonly quantized: Quantized | null;
  /** Whether this library wrote it, with integers. */
  readonly isOwn: boolean;
  readonly origin: string;
  readonly name: string;
  readonly proto: GraphProto;
  readonly initializers: ReadonlyMap<string, Constant>;
}

/** Throws `UnsupportedModelError` that names the first node which is no operation of the IR. */
export function buildNetwork(source: Source, options: OnnxOptions): Network {
  const { proto } = source;
  if (!(proto.version >= 1 && proto.version <= NEWEST)) {
    throw new UnsupportedModelError(
      `${source.origin} is of ONNX's operator set ${proto.version}; those up to ${NEWEST} are read. Export it again with opset_version=17.`,
    );
  }
  if (proto.sparse)
    throw new UnsupportedModelError(
      `${source.origin} has sparse tensors, which are not read. Export it with dense weights.`,
    );
  const constants = new Map([...source.initializers, ...bound(source, options)]);
  const input = pictureInput(source, constants);
  const needed = neededNodes(proto);
  const { shape, layout, tries } = inputOf(input, source.origin, options);
  for (const batched of tries) {
    try {
      return new Walk(source, constants).run(input, shape, layout, batched, needed, options);
    } catch (error) {
      if (error instanceof MixesImages && batched !== tries.at(-1)) continue;
      throw error instanceof MixesImages ? new UnsupportedModelError(error.message) : error;
    }
  }
  throw new Error("unreachable");
}

function bound({ more, origin, proto }: Source, { inputs }: OnnxOptions): ReadonlyMap<string, Constant> {
  if (!inputs || Object.keys(inputs).length === 0) return new Map();
  if (more) return more.boundInputs(inputs, proto.inputs, origin);
  throw new OptionError(`inputs names ${Object.keys(inputs)}, which is no input of ${origin} beside its picture.`);
}

const list = (infos: readonly ValueInfo[]) =>
  infos
    .slice(0, 8)
    .map(({ name }) => `"${name}"`)
    .join(", ");

function pictureInput({ proto, origin }: Source, constants: ReadonlyMap<string, Constant>): ValueInfo {
  const free = proto.inputs.filter(({ name }) => !constants.has(name));
  const [first] = free;
  if (!first) throw new UnsupportedModelError(`${origin} has no input: its graph computes constants alone.`);
  if (free.length > 1) {
    throw new UnsupportedModelError(
      `${origin} has ${free.length} inputs: ${list(free)}. A picture classifier has one; give the others values, as inputs: { ${free[1]!.name}: [...] }.`,
    );
  }
  if (first.type === null)
    throw new UnsupportedModelError(
      `${origin}: its input "${first.name}" is a sequence, a map or an optional; a tensor is expected.`,
    );
  if (first.type === Type.text || first.type === Type.bool) {
    throw new UnsupportedModelError(
      `${origin}: its input "${first.name}" is of ONNX's type ${first.type}; numbers are expected.`,
    );
  }
  return first;
}

/** Those that an output depends on, in the file's order. */
function neededNodes({ nodes, outputs }: GraphProto): Node[] {
  const makers = new Map<string, Node>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (!name) continue;
      if (makers.has(name)) throw bad(node, `makes "${name}" a second time`);
      makers.set(name, node);
    }
  }
  const needed = new Set<Node>();
  const names = outputs.map(({ name }) => name);
  for (const name of names) {
    const node = makers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    names.push(...node.inputs);
  }
  return nodes.filter((node) => needed.has(node));
}

type Layout = "NCHW" | "NHWC" | "any";

/** What a graph leaves open is 1 along a batch, and the caller's `inputSize` or 224 along a picture's sides. */
function inputOf({ name, shape }: ValueInfo, origin: string, { inputSize }: OnnxOptions) {
  const what = `${origin}: its input "${name}"`;
  if (!shape) throw new UnsupportedModelError(`${what} does not state its shape; [N, 3, height, width] is expected.`);
  const isChannels = (extent: unknown) => extent === 1 || extent === 3;
  const isSide = (extent: unknown) => typeof extent !== "number" || extent >= 16;
  const [, second, third, fourth] = shape;
  const last = shape.length === 4 && isChannels(fourth) && !isChannels(second) && isSide(second) && isSide(third);
  const layout: Layout = shape.length !== 4 ? "any" : last ? "NHWC" : "NCHW";
  const sides = layout === "NHWC" ? [1, 2] : [2, 3];
  const wanted =
    inputSize === undefined ? undefined : typeof inputSize === "number" ? [inputSize, inputSize] : inputSize;
  const extents = shape.map((extent, axis) => {
    const side = shape.length === 4 ? sides.indexOf(axis) : -1;
    const size = side < 0 ? undefined : wanted?.[side];
    if (typeof extent === "number") {
      if (size !== undefined && size !== extent) {
        throw new OptionError(
          `inputSize is ${wanted!.join(" x ")}, but ${what} is fixed at [${shape.map((it) => it ?? "?").join(", ")}].`,
        );
      }
      if (!(extent >= 1)) throw new UnsupportedModelError(`${what} has the shape [${shape}]: it holds no values.`);
      return extent;
    }
    if (side >= 0) return checkSide(size ?? DEFAULT_SIDE);
    if (axis === 0) return 1;
    if (layout !== "any" && axis === (layout === "NHWC" ? 3 : 1)) return 3;
    throw new UnsupportedModelError(
      `${what} leaves axis ${axis} open ([${shape.map((it) => it ?? "?").join(", ")}]); export it with a fixed extent.`,
    );
  });
  const [batch = 1, channels, height = 1, width = 1] = extents;
  const isPicture = layout === "NHWC" || (layout === "NCHW" && isChannels(channels) && height >= 8 && width >= 8);
  const tries =
    batch === 1 || extents.length === 1
      ? [false]
      : isPicture
        ? [true]
        : extents.length % 2 === 0
          ? [true, false]
          : [false, true];
  return { shape: extents, layout, tries };
}

export const DEFAULT_SIDE = 224;

function checkSide(side: number): number {
  if (Number.isInteger(side) && side >= 1 && side <= 16384) return side;
  throw new OptionError(
    `inputSize is ${side}; it must be a whole number of pixels from 1 to 16384, or [height, width].`,
  );
}

/** One way through the graph's nodes. */
class Walk {
  private readonly it;
  private readonly expressions;

  constructor(
    private readonly source: Source,
    constants: ReadonlyMap<string, Constant>,
  ) {
    this.it = new Mapper(source.more, constants);
    this.expressions = source.more ? new source.more.Expressions() : null;
  }

  run(
    input: ValueInfo,
    shape: readonly number[],
    layout: Layout,
    batched: boolean,
    nodes: readonly Node[],
    options: OnnxOptions,
  ): Network {
    const { it, source } = this;
    if (options.integers) it.rows = source.quantized?.rowsOf;
    it.views.set(input.name, this.inputView(shape, layout, batched, input.type!));
    for (const node of nodes) for (const name of node.outputs) it.makers.set(name, node);
    const needed = this.source.more?.needed(nodes, this.source.proto.outputs) ?? nodes;
    for (const node of needed) {
      it.node = node;
      try {
        this.map(node);
      } catch (error) {
        if (error instanceof MixesImages)
          error.message = `${`${node}`.replace(/^n/, "N")}: it mixes the images of a batch of ${shape[0]}; export the graph with a batch of 1 or an open one.`;
        throw error;
      }
    }
    return this.network(options, input, batched);
  }

  private inputView(shape: readonly number[], layout: Layout, batched: boolean, type: number): View {
    const axes: (readonly Dim[])[] = shape.map(dims);
    if (batched) {
      const batch: Batch = { extent: shape[0]!, isBatch: true };
      axes[0] = [batch];
    }
    const inner = axes.map(inValue);
    // Planes outside are rows of the caller's own order: the first axes are channels, the last two rows and columns.
    const space =
      inner.length > 2 ? inner.slice(-2) : inner.length === 2 && inner[0]!.length > 0 ? [[], inner[1]!] : [[], []];
    const channels = inner.slice(0, inner.length - (inner.length > 2 ? 2 : space[1]!.length > 0 ? 1 : 0)).flat();
    const places: Places = layout === "NHWC" ? [inner[1]!, inner[2]!, inner[3]!] : [space[0]!, space[1]!, channels];
    const [height, width, depth] = places.map(extentOf) as [number, number, number];
    return { value: this.it.builder.value([height, width, depth]), places, axes, type };
  }

  private map(node: Node): void {
    const { it } = this;
    it.builder.name = nameOf(node, it);
    const inputs = node.read.map((name) => {
      if (!name) return undefined;
      const found = it.constants.get(name) ?? it.views.get(name);
      if (!found) throw bad(node, `reads "${name}", which no node before it makes`);
      return found;
    });
    const [first] = inputs;
    const { more, quantized } = this.source;
    const fold = folds[node.kind] ?? more?.folds[node.kind];
    const operator = quantized?.operators[node.kind] ?? more?.operators[node.kind] ?? operators[node.kind];
    // Of a value's shape alone.
    const shape = first && isView(first) && /^(Shape|Size)$/.test(node.kind) ? filled(shapeOf(first)) : null;
    const known = shape ? [shape] : (inputs as (Constant | undefined)[]);
    if (shape || inputs.every((value) => !value || !isView(value))) {
      if (!fold) throw it.refuse(operator ? "all of its inputs are constants" : unknown(node.kind));
      this.keep(node, fold(node, known, it.work, this.source));
      return;
    }
    if (!operator) throw it.refuse(unknown(node.kind));
    const made = this.expressions?.find(it, node) ?? operator(it, node);
    this.keep(node, Array.isArray(made) ? made : [made as View]);
    // A mask of nothing dropped.
    if (node.kind === "Dropout" && node.outputs[1]) {
      it.constants.set(node.outputs[1], filled(shapeOf(made as View)));
    }
  }

  private keep(node: Node, made: readonly Value[]): void {
    for (const [index, value] of made.entries()) {
      const name = node.outputs[index];
      if (!name) continue;
      if (isView(value)) this.it.views.set(name, value);
      else this.it.constants.set(name, value);
    }
  }

  /** The output that depends on the picture, in the order of its axes. */
  private output(input: ValueInfo, batched: boolean): [View, string] {
    const { it, source } = this;
    const { outputs } = source.proto;
    const views: [View, string][] = [];
    for (const { name, type } of outputs) {
      const made = it.views.get(name);
      if (made) views.push([made, name]);
      else if (!it.constants.has(name)) {
        const maker = it.makers.get(name);
        if (type === null && !maker)
          throw new UnsupportedModelError(`${source.origin}: its output "${name}" is no tensor.`);
        if (!maker) throw new ModelFormatError(`${source.origin} has the output "${name}", which no node makes.`);
        it.node = maker;
        throw it.refuse(`its output "${name}" is not computed here`);
      }
    }
    if (views.length > 1) {
      const [, second] = views[1]!;
      const maker = it.makers.get(second);
      throw new UnsupportedModelError(
        `${source.origin} has ${views.length} outputs: ${list(outputs)}. A classifier has one; "${second}" comes from ${maker ?? "its input"}.`,
      );
    }
    if (views[0]) return views[0];
    // A constant is the whole batch's.
    if (batched) throw new MixesImages();
    const [first] = outputs;
    const constant = first && it.constants.get(first.name);
    if (!constant) throw new ModelFormatError(`${source.origin} has no output.`);
    it.builder.name = first.name;
    return [it.more.viewOf(it, constant, it.views.get(input.name)!), first.name];
  }

  private network(options: OnnxOptions, input: ValueInfo, batched: boolean): Network {
    const { it, source } = this;
    const { builder } = it;
    const [view, name] = this.output(input, batched);
    const order = view.axes.flat();
    if (order.slice(1).some(isBatch))
      throw Object.assign(new MixesImages(), {
        message: `${source.origin}: its output "${name}" mixes the images of a batch.`,
      });
    builder.name = name;
    const last = builder.arrange(it.whole(view), [[], [], inValue(order)]);
    const [{ value: picture }] = [it.views.get(input.name)!];
    const output = last.value === picture ? it.builder.on(last, reshapeOnly).value : last.value;
    const ops = ordered(builder.ops, output);
    const classes = builder.values[output]!.channels;
    const scores = scoresOf(name, it.makers);
    const { architecture: stated } = options;
    const known = typeof stated === "object" ? stated : {};
    const kept = ops.filter(({ kind }) => kind === "batchNorm").length;
    const whole = { name: "graph", input: picture, output, ops };
    const parameters = [...source.initializers.values()].filter(
      ({ type, name }) => isFloat(type) && !/running_(mean|var)$/.test(name),
    );
    const network: Network = {
      values: builder.values,
      stages: [whole],
      input: picture,
      output,
      architecture: { name: source.name, classes, ...(scores && { scores }), ...known },
      parameters: parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      batchNorms: { folded: 0, kept },
    };
    let fused = fuse(network, options.foldBatchNorm ?? true);
    if (it.rows) fused = source.quantized!.rounded(fused, source.isOwn);
    return { ...fused, stages: stagesOf({ ...fused, ops: fused.stages[0]!.ops }) };
  }
}

/** Ones. */
const filled = (shape: readonly number[]): Constant => ({
  ...{ name: "", type: Type.bool, dtype: "u8", shape },
  ...{ strides: shape.map(() => 0), bytes: Uint8Array.of(1) },
});

/** A graph that computes nothing has one operation all the same. */
const reshapeOnly = { kind: "slice", begin: [0, 0, 0], step: [1, 1, 1] } as const;

const control = new Set(["If", "Loop", "Scan"]);

function unknown(kind: string): string {
  if (control.has(kind)) return "control flow is not supported; export the graph with it resolved";
  if (/^Sequence|^Optional|^SplitToSequence|^ConcatFromSequence/.test(kind))
    return "sequences and optionals are not supported";
  return "the operator is not supported";
}

/** Probabilities are not made scores a second time. */
function scoresOf(name: string, makers: ReadonlyMap<string, Node>): "none" | undefined {
  let node = makers.get(name);
  while (node && /^(Identity|Reshape|Flatten|Squeeze|Cast|Dropout|DequantizeLinear|QuantizeLinear)$/.test(node.kind)) {
    node = makers.get(node.inputs[0]!);
  }
  return node?.kind === "Softmax" || node?.kind === "Sigmoid" ? "none" : undefined;
}
