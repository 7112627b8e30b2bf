import type { ActivationOp } from "../../graph/network.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface PointwiseOptions {
  readonly kind: "add" | "relu" | "batchNorm" | ActivationOp["function"];
  readonly storage: Storage;
  readonly pixels: number;
  readonly vectors: number;
  readonly head: number;
  readonly relu: boolean;
  /** First vectors of a BatchNorm's scale and shift in `parameters`. */
  readonly scale?: number;
  readonly shift?: number;
  /** Of a leaky ReLU. */
  readonly slope?: number | undefined;
}

/** What convolutions did not absorb, one thread for four channels: add, BatchNorm, ReLU and other activations. */
export function pointwise(options: PointwiseOptions): Kernel {
  const { kind, storage, pixels, vectors, head, relu, scale, shift } = options;
  const count = pixels * vectors;
  const { index, ...threads } = elementwise(count);
  const batchNorm = kind === "batchNorm";
  return kernel({
    name: `${kind.replace("-", "_")}${relu && kind !== "relu" ? "_relu" : ""}`,
    storage,
    constants: {
      COUNT: count,
      HEAD: head,
      ...(batchNorm ? { VECTORS: vectors, SCALE: scale ?? 0, SHIFT: shift ?? 0 } : {}),
    },
    buffers: {
      src: "Vector",
      ...(kind === "add" ? { other: "Vector" } : {}),
      ...(batchNorm ? { parameters: "vec4f" } : {}),
      dst: "Vector",
    },
    ...threads,
    ...(kind === "gelu" ? { declarations: gelu } : {}),
    body: `
  ${index}
  var value = vec4f(src[HEAD + index]);
  ${kind === "add" ? "value += vec4f(other[HEAD + index]);" : ""}
  ${batchNorm ? "value = value * parameters[SCALE + index % VECTORS] + parameters[SHIFT + index % VECTORS];" : ""}
  dst[HEAD + index] = Vector(${relu ? activations.relu : activated(options)});`,
  });
}

function activated({ kind, slope = 0.01 }: PointwiseOptions): string {
  if (kind === "add" || kind === "batchNorm") return "value";
  return kind === "leaky-relu"
    ? `select(value, value * f32(${slope}), value < vec4f())`
    : activations[kind as keyof typeof activations];
}

/** Of erfc(w) exp(w^2) / 2 in t = 1 / (1 + 0.33 w), from t down to t^8; as in assembly/pointwise/activation.ts. */
const erfc = [
  0.093172915, 0.09156443, 0.10009766, 0.02524517, 0.20124517, -0.17237519, 0.22828639, -0.06723662,
].reduceRight((sum, coefficient) => `(f32(${coefficient}) + ${sum}) * t`, "vec4f()");

/** What becomes of `value`. Powers are kept within what an f32 holds: WGSL does not say what is beyond. */
export const activations = {
  relu: "max(value, vec4f())",
  relu6: "clamp(value, vec4f(), vec4f(6.0))",
  silu: "value / (1.0 + exp(clamp(-value, vec4f(-80.0), vec4f(80.0))))",
  // Near zero e^x - 1 has no digits left, and three terms of its series all of them.
  elu: `select(
    select(exp(max(value, vec4f(-80.0))) - 1.0, value * (1.0 + value * (0.5 + value / 6.0)), value > vec4f(-0.01)),
    value, value > vec4f())`,
  gelu: "gelu(value)",
} as const;

/** Whether there is a shader for an activation. */
export const hasActivation = (name: ActivationOp["function"]): boolean => name === "leaky-relu" || name in activations;

/** erfc(|x| / sqrt 2) / 2. */
export const halfErfc = `
fn half_erfc(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.2333452 * abs(x));
  return ${erfc} * exp(max(-0.5 * x * x, vec4f(-80.0)));
}`;

const gelu = `${halfErfc}
fn gelu(x: vec4f) -> vec4f {
  let half = half_erfc(x);
  return x * select(1.0 - half, half, x < vec4f());
}`;
