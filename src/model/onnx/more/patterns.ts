import type { ActivationOp } from "../../../graph/network.js";
import { elementCount } from "../../../graph/tensor.js";
import type { Constant } from "../constants.js";
import { axesOf } from "../fold.js";
import type { Mapper } from "../mapper.js";
import { isFloat, type Node } from "../proto.js";
import { axisOf } from "../shapes.js";
import type { View } from "../views.js";
import { binary, unary } from "./fold.js";
import { inChannels } from "./tensors.js";

/** Where functions of one number are compared: around every bend of those that are known. */
const samples = [-30, -9, -6.5, -4, -3, -2.2, -1, -0.4, -0.1, 0.1, 0.5, 1, 1.7, 2.5, 3.1, 5, 6, 6.7, 9, 30];
/** Tensors that an expression is followed back to. */
const MOST_ROOTS = 8;

type Samples = readonly number[];

const {
  Sigmoid: sigmoid,
  Softplus: softplus,
  Erf: erf,
  Tanh: tanh,
  Relu: relu,
} = unary as Readonly<Record<string, (x: number) => number>>;
const clamp = (x: number, most: number) => Math.min(most, Math.max(0, x));

/** What exporters write as several nodes. */
const known: readonly (readonly [
  name: ActivationOp["function"] | "relu",
  f: (x: number) => number,
  parameters?: object,
])[] = [
  ["relu", relu!],
  ["relu6", (x) => clamp(x, 6)],
  ["silu", (x) => x * sigmoid!(x)],
  ["mish", (x) => x * tanh!(softplus!(x))],
  ["hard-swish", (x) => (x * clamp(x + 3, 6)) / 6],
  ["hard-sigmoid", (x) => clamp(x / 6 + 0.5, 1), { alpha: 1 / 6, beta: 0.5 }],
  ["gelu", (x) => (x * (1 + erf!(x / Math.SQRT2))) / 2],
  ["gelu-tanh", (x) => (x * (1 + tanh!(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2],
  ["softplus", softplus!],
  ["sigmoid", sigmoid!],
];
const knownSamples = known.map(([, f]) => samples.map(f));

const isNear = (a: number, b: number) => a === b || Math.abs(a - b) <= 3e-6 * Math.max(1, Math.abs(b));

/** Tensors that are functions, element by element, of one other: told by the numbers that they give, however they are written. */
export class Expressions {
  /** Of each tensor: by the tensor that it is a function of, the oldest first. */
  readonly #of = new Map<string, ReadonlyMap<string, Samples>>();

  /** The one activation that a node completes, of the oldest tensor for which it is one. */
  find(it: Mapper, node: Node): View | null {
    for (const [root, values] of this.#note(it, node)) {
      const at = knownSamples.findIndex((wanted) => wanted.every((value, index) => isNear(values[index]!, value)));
      const view = it.views.get(root);
      if (at < 0 || !view) continue;
      const [name, , parameters] = known[at]!;
      return name === "relu" ? it.relu(it.whole(view)) : it.activation(it.whole(view), name, parameters);
    }
    return null;
  }

  #note(it: Mapper, node: Node): ReadonlyMap<string, Samples> {
    const found = new Map<string, Samples>();
    const [first = "", second = ""] = node.inputs;
    const one = unary[node.kind] ?? own(it, node);
    const two = binary[node.kind];
    const left = this.#rooted(it, first);
    const right = this.#rooted(it, second);
    if (one && left) for (const [root, values] of left) found.set(root, values.map(one));
    else if (two && node.inputs.length === 2) {
      const [x, y] = [scalar(it, first, second), scalar(it, second, first)];
      if (left && y !== null)
        for (const [root, values] of left)
          found.set(
            root,
            values.map((value) => two(value, y)),
          );
      else if (right && x !== null)
        for (const [root, values] of right)
          found.set(
            root,
            values.map((value) => two(x, value)),
          );
      else if (left && right) {
        for (const [root, values] of left) {
          const others = right.get(root);
          if (others)
            found.set(
              root,
              values.map((value, index) => two(value, others[index]!)),
            );
        }
      }
    }
    const kept = new Map([...found].slice(-MOST_ROOTS));
    this.#of.set(node.outputs[0]!, kept);
    return kept;
  }

  #rooted(it: Mapper, name: string): ReadonlyMap<string, Samples> | null {
    const view = it.views.get(name);
    return view && isFloat(view.type) ? new Map([...(this.#of.get(name) ?? []), [name, samples]]) : null;
  }
}

/** Functions with parameters of their own. */
function own(it: Mapper, node: Node): ((x: number) => number) | null {
  if (node.kind === "HardSigmoid") {
    const [alpha, beta] = [node.float("alpha", 0.2), node.float("beta", 0.5)];
    return (x) => clamp(alpha * x + beta, 1);
  }
  if (node.kind !== "Clip") return null;
  const bound = (index: number, attribute: string, otherwise: number) => {
    const name = node.inputs[index];
    const constant = name ? it.constants.get(name) : undefined;
    return constant ? it.numbers(constant)[0]! : node.float(attribute, otherwise);
  };
  const [least, most] = [bound(1, "min", Number.NEGATIVE_INFINITY), bound(2, "max", Number.POSITIVE_INFINITY)];
  return (x) => Math.min(most, Math.max(least, x));
}

/** A constant's one number, where it gives the other input no further axes. */
function scalar(it: Mapper, name: string, beside: string): number | null {
  const constant = it.constants.get(name);
  const view = it.views.get(beside);
  if (!constant || !view || elementCount(constant.shape) !== 1 || constant.shape.length > view.axes.length) return null;
  return it.numbers(constant)[0]!;
}

/** LayerNormalization as its formula: (x - mean) / sqrt(mean of squares + epsilon), completed by this division; null for any other. */
export function decomposedNorm(it: Mapper, node: Node): View | null {
  const maker = (name: string | undefined, ...kinds: string[]) => {
    const found = it.makers.get(name ?? "");
    return found && kinds.includes(found.kind) ? found : null;
  };
  const difference = maker(node.inputs[0], "Sub");
  const sum = maker(maker(node.inputs[1], "Sqrt")?.inputs[0], "Add");
  if (!difference || !sum) return null;
  const [variance, epsilon] = [sum.inputs, [...sum.inputs].reverse()]
    .map(([name, other]) => [maker(name, "ReduceMean"), it.constants.get(other ?? "")] as const)
    .find(([mean, constant]) => mean && constant) ?? [null, undefined];
  const mean = maker(difference.inputs[1], "ReduceMean");
  const square = maker(variance?.inputs[0], "Pow", "Mul");
  if (!variance || !epsilon || !mean || !square || mean.inputs[0] !== difference.inputs[0]) return null;
  const squared = square.kind === "Mul" ? square.inputs[0] === square.inputs[1] : only(it, square.inputs[1]) === 2;
  const inner = maker(square.inputs[0], "Sub");
  const view = it.views.get(difference.inputs[0]!);
  if (
    !squared ||
    inner?.inputs.join() !== difference.inputs.join() ||
    only(
      it,
      sum.inputs.find((name) => it.constants.has(name)),
    ) === null ||
    !view
  )
    return null;
  const rank = view.axes.length;
  const axes = (reduced: Node) => {
    const stated = axesOf(reduced, constantOf(it, reduced.inputs[1]), it.work) ?? [];
    return reduced.integer("keepdims", 1) === 1
      ? stated.map((axis) => axisOf(axis, rank, reduced)).sort((a, b) => a - b)
      : [];
  };
  const along = axes(mean);
  if (along.length === 0 || along.join() !== axes(variance).join()) return null;
  const laid = inChannels(
    it,
    it.whole(view),
    along.flatMap((axis) => view.axes[axis]!),
  );
  const traits = { groups: 1, over: "pixel", epsilon: it.numbers(epsilon)[0]! } as const;
  return it.builder.on(laid, { kind: "normalize", ...traits, scale: null, shift: null });
}

const constantOf = (it: Mapper, name: string | undefined): Constant | undefined =>
  name ? it.constants.get(name) : undefined;

function only(it: Mapper, name: string | undefined): number | null {
  const constant = constantOf(it, name);
  return constant && elementCount(constant.shape) === 1 ? it.numbers(constant)[0]! : null;
}
