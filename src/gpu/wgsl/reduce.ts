import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface ReduceOptions {
  readonly storage: Storage;
  readonly pixels: number;
  readonly vectors: number;
  readonly splits: number;
  readonly head: number;
  readonly bias: number;
  readonly residual: boolean;
  readonly relu: boolean;
}

/** The second phase of a split convolution: adds the partial sums in a fixed order, then bias, residual and ReLU. */
export function reduce({ storage, pixels, vectors, splits, head, bias, residual, relu }: ReduceOptions): Kernel {
  const count = pixels * vectors;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: `reduce${splits}`,
    storage,
    constants: { COUNT: count, OUT_VECTORS: vectors, SPLITS: splits, HEAD: head, BIAS: bias },
    buffers: { partials: "vec4f", parameters: "vec4f", ...(residual ? { residual: "Vector" } : {}), dst: "Vector" },
    ...threads,
    body: `
  ${index}
  var sum = parameters[BIAS + index % OUT_VECTORS];
  for (var split = 0u; split < SPLITS; split++) { sum += partials[split * COUNT + index]; }
  ${residual ? "sum += vec4f(residual[HEAD + index]);" : ""}
  dst[HEAD + index] = Vector(${relu ? "max(sum, vec4f())" : "sum"});`,
  });
}
