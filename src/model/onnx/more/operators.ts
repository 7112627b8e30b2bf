import type { ActivationOp, NormalizeOp, Padding, Vector } from "../../../graph/network.js";
import { MAX_GATHERED } from "../../../limits.js";
import { vectorOf } from "../builder.js";
import { type Constant, reshaped } from "../constants.js";
import { axesOf } from "../fold.js";
import type { Operator } from "../mapper.js";
import { isView, type Mapper } from "../mapper.js";
import { convolve, globalPool, reduction } from "../operators.js";
import { isFloat, type Node, Type } from "../proto.js";
import { axisOf, bad } from "../shapes.js";
import { type Dim, dims, equal, extentOf, inValue, shapeOf, type View } from "../views.js";
import { indicesOf, slicesOf, splitSizes, transposeOrder } from "./fold.js";
import { integers } from "./integers.js";
import { decomposedNorm } from "./patterns.js";
import { product } from "./product.js";
import { squeezed, unsqueezed } from "./shapes.js";
import { alone, combine, concat, inChannels, scaled, sliced, summed } from "./tensors.js";
import { regrouped } from "./views.js";

/** Before version 13 over all axes from the stated one on, later over that one alone. */
const softmax =
  (logarithm: boolean): Operator =>
  (it, node) => {
    const view = it.view();
    const rank = view.axes.length;
    const axis = axisOf(node.integer("axis", node.version < 13 ? 1 : -1), Math.max(rank, 2), node);
    const over = node.version < 13 ? view.axes.slice(axis).flat() : view.axes[axis]!;
    return it.builder.on(inChannels(it, view, over), { kind: "softmax", logarithm });
  };

const transpose: Operator = (it, node) => {
  const view = it.stored();
  return { ...view, axes: transposeOrder(node, view.axes.length).map((axis) => view.axes[axis]!) };
};

function norm(it: Mapper, view: View, axes: readonly number[]): View {
  return it.activation(summed(it, combine(it, "multiply", view, view), axes), "sqrt");
}

const function1 =
  (name: ActivationOp["function"], parameters: (node: Node) => Partial<ActivationOp> = () => ({})): Operator =>
  (it, node) =>
    it.activation(it.view(), name, parameters(node));

/** Constants among them are put together first, so that no sum is of two constants. */
const many =
  (name: "add" | "maximum" | "minimum"): Operator =>
  (it, node) => {
    const inputs = node.inputs.map((_, index) => it.input(index));
    const first = inputs.findIndex(isView);
    const [view] = inputs.splice(first, 1) as [View];
    return inputs.reduce<View>((sum, next) => combine(it, name, sum, next), view);
  };

function normalize(
  it: Mapper,
  view: View,
  traits: Pick<NormalizeOp, "groups" | "over" | "epsilon">,
  scale: Vector | null = null,
  shift: Vector | null = null,
): View {
  return it.builder.on(view, { kind: "normalize", ...traits, scale, shift });
}

/** InstanceNormalization and GroupNormalization: each of a picture's groups of channels on its own, over all pixels. */
function groupNorm(it: Mapper, node: Node, view: View, groups: readonly Dim[]): View {
  const [, , channels] = view.places;
  const fits = equal(channels.slice(0, groups.length), groups);
  const laid = fits
    ? view
    : it.builder.arrange(view, [inValue(view.places.flat()).filter((dim) => !groups.includes(dim)), [], groups]);
  const vector = (index: number) => {
    const values = it.numbers(it.needed(index));
    const inner = laid.places[2];
    if (values.length === extentOf(groups)) return it.vector(values, groups, laid);
    if (values.length !== extentOf(inner))
      throw bad(node, `has ${values.length} scales for ${extentOf(groups)} groups`);
    return vectorOf(values);
  };
  const traits = { groups: extentOf(groups), over: "image", epsilon: node.float("epsilon", 1e-5) } as const;
  return normalize(it, laid, traits, vector(1), vector(2));
}

const layerNormalization: Operator = (it, node) => {
  const view = it.view();
  const rank = view.axes.length;
  const axis = axisOf(node.integer("axis", -1), rank, node);
  const over = view.axes.slice(axis).flat();
  const laid = inChannels(it, view, over);
  const vector = (index: number) => {
    const constant = it.constant(index);
    if (!constant) return null;
    const values = it.numbers(constant);
    if (values.length !== extentOf(over)) throw it.refuse(`its scale of [${constant.shape}] is not one for each value`);
    return vectorOf(values);
  };
  return normalize(it, laid, { groups: 1, over: "pixel", epsilon: node.float("epsilon", 1e-5) }, vector(1), vector(2));
};

const slice: Operator = (it, node) => {
  const view = it.stored();
  const inputs = node.inputs.map((_, index) => (index > 0 ? it.constant(index) : undefined));
  return slicesOf(node, shapeOf(view), inputs, it.work).reduce(
    (rest, { axis, begin, step, count }) => sliced(it, rest, axis, begin, step, count),
    view,
  );
};

const split: Operator = (it, node) => {
  const view = it.stored();
  const axis = axisOf(node.integer("axis", 0), view.axes.length, node);
  let begin = 0;
  // Laid out once for all of its parts.
  const [laid] = alone(it, view, axis);
  return splitSizes(node, extentOf(view.axes[axis]!), it.list(1) ?? node.integers("split")).map((size) => {
    begin += size;
    return sliced(it, laid, axis, begin - size, 1, size);
  });
};

const gather: Operator = (it, node) => {
  const view = it.stored();
  const axis = axisOf(node.integer("axis", 0), view.axes.length, node);
  const extent = extentOf(view.axes[axis]!);
  const indices = indicesOf(node, extent, it.list(1)!);
  const [first = 0, second = first + 1] = indices;
  const step = second - first;
  const isEven = step !== 0 && indices.every((at, index) => at === first + index * step);
  if (indices.length === 0 || (!isEven && indices.length > MAX_GATHERED)) {
    throw it.refuse(`it gathers ${indices.length} indices in no order; 1 to ${MAX_GATHERED} are supported`);
  }
  const taken = isEven
    ? sliced(it, view, axis, first, step, indices.length)
    : concat(
        it,
        indices.map((at) => sliced(it, view, axis, at, 1, 1)),
        axis,
      );
  const shape = shapeOf(taken);
  return it.reshape(taken, [...shape.slice(0, axis), ...it.constant(1)!.shape, ...shape.slice(axis + 1)]);
};

const pad: Operator = (it, node) => {
  let view = it.view();
  const rank = view.axes.length;
  const mode = node.text("mode") || "constant";
  if (mode !== "constant" && mode !== "edge" && mode !== "reflect")
    throw it.refuse(`its mode "${mode}" is not supported`);
  const sides = it.list(1) ?? node.integers("pads") ?? node.integers("paddings") ?? [];
  const along = it.list(3)?.map((axis) => axisOf(axis, rank, node)) ?? Array.from({ length: rank }, (_, axis) => axis);
  if (sides.length !== 2 * along.length) throw bad(node, `has [${sides}] as padding`);
  const value = it.list(2)?.[0] ?? node.float("value", 0);
  const before = new Map(along.map((axis, at) => [axis, sides[at]!]));
  const after = new Map(along.map((axis, at) => [axis, sides[at + along.length]!]));
  for (const axis of along) {
    const [first, last] = [before.get(axis)!, after.get(axis)!];
    if (first < 0 || last < 0) {
      const extent = extentOf(view.axes[axis]!);
      view = sliced(
        it,
        view,
        axis,
        Math.max(0, -first),
        1,
        Math.max(0, extent + Math.min(0, first) + Math.min(0, last)),
      );
    }
  }
  let rest = along.filter((axis) => before.get(axis)! > 0 || after.get(axis)! > 0);
  while (rest.length > 0) {
    const [laid] = alone(it, view, rest[0]!);
    const [height, width, channels] = laid.places;
    // All that lie alone are padded at once.
    const places = new Map<number, number>();
    for (const axis of rest) {
      const at = [height, width, channels].findIndex(
        (list, place) => equal(list, laid.axes[axis]!) && ![...places.values()].includes(place),
      );
      if (at >= 0) places.set(axis, at);
    }
    const starts: [number, number, number] = [0, 0, 0];
    const extents = [...it.builder.extents(laid.value)] as [number, number, number];
    const renewed = [height, width, channels].map((list) => [...list]) as [Dim[], Dim[], Dim[]];
    const axes = [...laid.axes];
    for (const [axis, place] of places) {
      const [first, last] = [Math.max(0, before.get(axis)!), Math.max(0, after.get(axis)!)];
      if (mode === "reflect" && Math.max(first, last) >= extents[place]!)
        throw it.refuse("it reflects more than there is");
      starts[place] = first;
      extents[place]! += first + last;
      renewed[place] = dims(extents[place]!);
      axes[axis] = renewed[place]!;
    }
    const op = { kind: "pad", name: it.builder.name, inputs: [laid.value], before: starts, mode, value } as const;
    view = { ...laid, value: it.builder.emit(op, extents), places: renewed, axes };
    rest = rest.filter((axis) => !places.has(axis));
  }
  return view;
};

const expand: Operator = (it) => {
  const view = it.view();
  const shape = it.list(1) ?? [];
  const ones: Constant = {
    ...{ name: "", type: view.type, shape, strides: shape.map(() => 0), dtype: "f32" },
    bytes: new Uint8Array(Float32Array.of(1).buffer),
  };
  // Where nothing grows, there is nothing to multiply.
  const from = shapeOf(view);
  const grows = shape.some((extent, at) => extent > 1 && (from[at - shape.length + from.length] ?? 1) === 1);
  if (grows) return combine(it, "multiply", view, ones);
  return { ...view, axes: [...Array(Math.max(0, shape.length - from.length)).fill([]), ...view.axes] };
};

const prelu: Operator = (it, node) => {
  const view = it.view();
  const rank = view.axes.length;
  let slope = it.needed(1);
  // Before version 7 the slopes are the channels'.
  if (node.version < 7 && slope.shape.length === 1)
    slope = reshaped(slope, along(slope.shape[0]!, 1, rank, 1).slice(1), it.work);
  const values = it.numbers(slope);
  if (values.length === 1) return it.activation(view, "leaky-relu", { slope: values[0]! });
  const missing = rank - slope.shape.length;
  const over = slope.shape.flatMap((extent, at) => (extent > 1 ? (view.axes[at + missing] ?? []) : []));
  if (missing >= 0 && over.every((dim) => view.places[2].includes(dim)) && extentOf(over) === values.length) {
    return it.activation(view, "prelu", { slopes: it.vector(values, over, view) });
  }
  const below = combine(it, "multiply", it.clip(view, Number.NEGATIVE_INFINITY, 0), slope);
  return combine(it, "add", it.relu(view), below);
};

const pow: Operator = (it) => {
  const view = it.view();
  const power = it.numbers(it.needed(1));
  if (power.length !== 1) throw it.refuse("its powers differ");
  switch (power[0]) {
    case 1:
      return view;
    case 2:
      return combine(it, "multiply", view, view);
    case 3:
      return combine(it, "multiply", combine(it, "multiply", view, view), view);
    case 0.5:
      return it.activation(view, "sqrt");
    case -1:
      return it.activation(view, "reciprocal");
    case -0.5:
      return it.activation(it.activation(view, "sqrt"), "reciprocal");
    default:
      throw it.refuse(`a power of ${power[0]} is not supported`);
  }
};

const cast: Operator = (it, node) => {
  const view = it.view();
  const to =
    node.kind === "Cast"
      ? node.integer("to", Type.float)
      : ((it.given(1) as { type: number } | undefined)?.type ?? Type.float);
  if (isFloat(to) || to === view.type) return { ...view, type: to };
  throw it.refuse("it makes whole numbers of floats");
};

const lrn: Operator = (it, node) => {
  const view = it.picture(it.view());
  const parameters = {
    size: node.integer("size", 1),
    alpha: node.float("alpha", 1e-4),
    beta: node.float("beta", 0.75),
    bias: node.float("bias", 1),
  };
  return it.builder.on(view, { kind: "localResponse", ...parameters });
};

const lpNormalization: Operator = (it, node) => {
  const view = it.view();
  const axis = axisOf(node.integer("axis", -1), view.axes.length, node);
  if (node.integer("p", 2) !== 2) throw it.refuse("only a norm of 2 is supported");
  // Zeros stay zeros.
  const length = it.clip(norm(it, view, [axis]), 2 ** -100, Number.POSITIVE_INFINITY);
  return combine(it, "divide", view, length);
};

/** A list with one number at an axis and another everywhere else. */
const along = (value: number, axis: number, rank: number, otherwise: number) =>
  Array.from({ length: rank }, (_, at) => (at === axis ? value : otherwise));

/** Zeros around a picture that were added before are part of a convolution's padding. */
const convolution: Operator = (it, node) => {
  const [view, weights, bias] = [it.picture(it.view()), it.needed(1), it.constant(2) ?? null];
  const before = it.builder.made(view.value);
  const isZeros = before?.kind === "pad" && before.mode === "constant" && before.value === 0;
  if (isZeros && !node.text("auto_pad").startsWith("SAME")) {
    const [inner, outer] = [it.builder.extents(before.inputs[0]), it.builder.extents(before.output)];
    const [top, left] = before.before;
    const around: Padding = [top, left, outer[0] - inner[0] - top, outer[1] - inner[1] - left];
    if (inner[2] === outer[2]) return convolve(it, node, it.pictureOf(view, before.inputs[0]), weights, bias, around);
  }
  return convolve(it, node, view, weights, bias);
};

export const moreOperators: Readonly<Record<string, Operator>> = {
  Conv: convolution,
  Squeeze: (it, node) => {
    const view = it.stored();
    return it.reshape(view, squeezed(node, shapeOf(view), axesOf(node, it.constant(1), it.work)));
  },
  Unsqueeze: (it, node) => {
    const view = it.stored();
    return it.reshape(view, unsqueezed(node, shapeOf(view), axesOf(node, it.constant(1), it.work)));
  },
  Transpose: transpose,
  Concat: (it, node) => {
    const parts = node.inputs.map((_, index) => it.given(index)!);
    const tags = new Set(
      parts.map((part) => isView(part) && part.rounded && `${part.rounded.scale} ${part.rounded.zero}`),
    );
    const values = tags.size === 1 ? parts : parts.map((_, index) => it.input(index));
    const rank = values.find(isView)!.axes.length;
    return concat(it, values, axisOf(node.integer("axis", 1), rank, node));
  },
  Softmax: softmax(false),
  LeakyRelu: function1("leaky-relu", (node) => ({ slope: node.float("alpha", 0.01) })),
  PRelu: prelu,
  Elu: function1("elu", (node) => ({ alpha: node.float("alpha", 1) })),
  Selu: function1("selu", (node) => ({ alpha: node.float("alpha", 1.6732632), beta: node.float("gamma", 1.050701) })),
  Sigmoid: function1("sigmoid"),
  HardSigmoid: function1("hard-sigmoid", (node) => ({
    alpha: node.float("alpha", 0.2),
    beta: node.float("beta", 0.5),
  })),
  HardSwish: function1("hard-swish"),
  Swish: function1("silu"),
  Mish: function1("mish"),
  Gelu: (it, node) => it.activation(it.view(), node.text("approximate") === "tanh" ? "gelu-tanh" : "gelu"),
  Tanh: function1("tanh"),
  Softplus: function1("softplus"),
  Exp: function1("exp"),
  Log: function1("log"),
  Sqrt: function1("sqrt"),
  Reciprocal: function1("reciprocal"),
  Abs: function1("absolute"),
  Erf: function1("erf"),
  Neg: (it) => scaled(it, it.view(), -1, 0),
  Pow: pow,
  Add: integers("add"),
  Sub: integers("subtract"),
  Mul: integers("multiply"),
  Div: (it, node) => decomposedNorm(it, node) ?? integers("divide")(it, node),
  Max: many("maximum"),
  Min: many("minimum"),
  Sum: many("add"),
  GlobalMaxPool: globalPool("globalMaxPool"),
  ReduceSum: reduction(summed),
  ReduceMax: reduction((it, view, axes) => it.pool(view, axes, "globalMaxPool")),
  ReduceMin: reduction((it, view, axes) => scaled(it, it.pool(scaled(it, view, -1, 0), axes, "globalMaxPool"), -1, 0)),
  ReduceL2: reduction(norm),
  LpNormalization: lpNormalization,
  MatMul: (it) => product(it, it.input(0), it.input(1)),
  Split: split,
  Slice: slice,
  Gather: gather,
  Pad: pad,
  Expand: expand,
  LRN: lrn,
  InstanceNormalization: (it, node) => {
    const view = it.view();
    return groupNorm(it, node, view, view.axes[1] ?? []);
  },
  GroupNormalization: (it, node) => {
    const view = it.view();
    const [batch = 1, channels = 1, ...space] = shapeOf(view);
    const groups = node.integer("num_groups", 1);
    const parted = regrouped(view, [batch, groups, channels / groups, ...space]);
    if (!parted) throw it.refuse(`it has ${groups} groups for ${channels} channels`);
    const result = groupNorm(it, node, parted, parted.axes[1]!);
    return it.reshape(result, [batch, channels, ...space]);
  },
  LayerNormalization: layerNormalization,
  LogSoftmax: softmax(true),
  Cast: cast,
  CastLike: cast,
};
