import type { ActivationOp } from "../../graph/network.js";
import { halfErfc, activations as plain } from "./pointwise.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface ActivationOptions extends Pick<ActivationOp, "slope" | "alpha" | "beta" | "signed"> {
  readonly kind: ActivationOp["function"];
  readonly storage: Storage;
  readonly pixels: number;
  readonly vectors: number;
  readonly head: number;
  readonly channels: number;
  /** First vector of a PReLU's slopes in `parameters`. */
  readonly slopes?: number | undefined;
}

/** Any elementwise function, one thread for four channels. Padding lanes become zeros. */
export function activation(options: ActivationOptions): Kernel {
  const { kind, storage, pixels, vectors, head, channels } = options;
  const count = pixels * vectors;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: kind.replace("-", "_"),
    storage,
    constants: { COUNT: count, HEAD: head, VECTORS: vectors, CHANNELS: channels },
    buffers: { src: "Vector", ...(kind === "prelu" ? { parameters: "vec4f" } : {}), dst: "Vector" },
    ...threads,
    ...(kind === "erf" || kind === "gelu" ? { declarations: halfErfc } : {}),
    body: `
  ${index}
  let value = vec4f(src[HEAD + index]);
  let result = ${activated(options)};
  let lanes = vec4u(0u, 1u, 2u, 3u) + 4u * (index % VECTORS);
  dst[HEAD + index] = Vector(select(vec4f(), result, lanes < vec4u(CHANNELS)));`,
  });
}

function activated({ kind, slope = 0.01, alpha = 1, beta = 0, signed, slopes }: ActivationOptions): string {
  switch (kind) {
    case "leaky-relu":
      return `select(value, value * ${literal(slope)}, value < vec4f())`;
    case "prelu":
      return `select(value, value * parameters[${slopes}u + index % VECTORS], value < vec4f())`;
    case "elu":
      return alpha === 1 ? elu() : elu(`${literal(alpha)} * `);
    case "selu":
      return `${literal(beta)} * ${elu(`${literal(alpha)} * `)}`;
    case "clip":
      return `clamp(value, vec4f(${literal(alpha)}), vec4f(${literal(beta)}))`;
    case "hard-sigmoid":
      return `clamp(${literal(alpha)} * value + ${literal(beta)}, vec4f(), vec4f(1.0))`;
    case "quantize": {
      const [least, most] = signed ? [-128, 127] : [0, 255];
      const step = `round(value / ${literal(alpha)}) + ${literal(beta)}`;
      return `${literal(alpha)} * (clamp(${step}, vec4f(${least}.0), vec4f(${most}.0)) - ${literal(beta)})`;
    }
    default:
      return activations[kind];
  }
}

const LARGEST = 3.4028234e38;

/** A number in WGSL, which has no infinities. */
const literal = (value: number) => `f32(${Math.max(-LARGEST, Math.min(LARGEST, value))})`;

/** What becomes of `value`. Powers are kept within what an f32 holds: WGSL does not say what is beyond. */
const activations = {
  relu6: plain.relu6,
  silu: plain.silu,
  gelu: "value * select(1.0 - half_erfc(value), half_erfc(value), value < vec4f())",
  "gelu-tanh": `value / (1.0 + exp(clamp(-1.5957691 * (value + 0.044715 * value * value * value), vec4f(-80.0), vec4f(80.0))))`,
  sigmoid: "1.0 / (1.0 + exp(clamp(-value, vec4f(-80.0), vec4f(80.0))))",
  "hard-swish": "value * (clamp(value + 3.0, vec4f(), vec4f(6.0)) / 6.0)",
  // tanh(ln(1 + e)) is n / (n + 2) with n = e (e + 2).
  mish: `value * (1.0 - 2.0 / (exp(clamp(value, vec4f(-80.0), vec4f(20.0))) * (exp(clamp(value, vec4f(-80.0), vec4f(20.0))) + 2.0) + 2.0))`,
  tanh: "tanh(clamp(value, vec4f(-15.0), vec4f(15.0)))",
  softplus: "max(value, vec4f()) + log(1.0 + exp(max(-abs(value), vec4f(-80.0))))",
  exp: "exp(clamp(value, vec4f(-87.0), vec4f(88.0)))",
  log: "log(value)",
  sqrt: "sqrt(value)",
  reciprocal: "1.0 / value",
  absolute: "abs(value)",
  // GELU of w is w erfc(-w / sqrt 2) / 2.
  erf: "sign(value) * (1.0 - 2.0 * half_erfc(1.4142135 * value))",
} as const;

/** Near zero e^x - 1 has no digits left, and three terms of its series all of them. */
function elu(alpha = ""): string {
  return `select(
    ${alpha}select(exp(max(value, vec4f(-80.0))) - 1.0, value * (1.0 + value * (0.5 + value / 6.0)), value > vec4f(-0.01)),
    value, value > vec4f())`;
}
