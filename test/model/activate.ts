import type { ActivationOp } from "../../src/graph/network.js";

/** PyTorch's and ONNX's activations; `erf` by its Maclaurin series near zero and a continued fraction elsewhere, to 1e-15. */
export function activate(
  {
    function: name,
    slope = 0.01,
    alpha = 1,
    beta = 0,
    signed = false,
  }: Pick<ActivationOp, "function" | "slope" | "alpha" | "beta" | "signed">,
  x: number,
  ownSlope = 0,
): number {
  switch (name) {
    case "leaky-relu":
      return x < 0 ? slope * x : x;
    case "prelu":
      return x < 0 ? ownSlope * x : x;
    case "relu6":
      return Math.min(6, Math.max(0, x));
    case "silu":
      return x * sigmoid(x);
    case "elu":
      return x < 0 ? alpha * Math.expm1(x) : x;
    case "selu":
      return beta * (x < 0 ? alpha * Math.expm1(x) : x);
    case "gelu":
      // 1 + erf(z) is erfc(-z), which keeps its digits where it is next to nothing.
      return 0.5 * x * erfc(-x / Math.SQRT2);
    case "gelu-tanh":
      // (1 + tanh(z)) / 2 is sigmoid(2 z).
      return x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
    case "clip":
      return Math.min(beta, Math.max(alpha, x));
    case "sigmoid":
      return sigmoid(x);
    case "hard-sigmoid":
      return Math.max(0, Math.min(1, alpha * x + beta));
    case "hard-swish":
      return x * Math.max(0, Math.min(1, x / 6 + 1 / 2));
    case "mish":
      return x * Math.tanh(softplus(x));
    case "tanh":
      return Math.tanh(x);
    case "softplus":
      return softplus(x);
    case "exp":
      return Math.exp(x);
    case "log":
      return Math.log(x);
    case "sqrt":
      return Math.sqrt(x);
    case "reciprocal":
      return 1 / x;
    case "absolute":
      return Math.abs(x);
    case "erf":
      return Math.abs(x) < 1 ? erfNearZero(x) : 1 - erfc(x);
    case "quantize": {
      const [least, most] = signed ? [-128, 127] : [0, 255];
      return alpha * (Math.max(least, Math.min(most, roundToEven(x / alpha) + beta)) - beta);
    }
    default:
      throw new Error(`no reference for ${name satisfies never}`);
  }
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function erfNearZero(z: number): number {
  let sum = 0;
  for (let n = 0, term = z; n < 80; n++, term *= (-z * z) / n) sum += term / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function erfc(z: number): number {
  if (z < 0) return 2 - erfc(-z);
  if (z < 2) return 1 - erfNearZero(z);
  let fraction = 0;
  for (let n = 200; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
}
