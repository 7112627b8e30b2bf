import { type Kernel, kernel, type Storage } from "./shader.js";

export interface L2NormalizeOptions {
  readonly storage: Storage;
  readonly pixels: number;
  readonly vectors: number;
  readonly epsilon: number;
  readonly head: number;
}

/** One workgroup a pixel. Sums run in a fixed order: each thread's own channels, then the threads'. */
export function l2Normalize({ storage, pixels, vectors, epsilon, head }: L2NormalizeOptions): Kernel {
  return kernel({
    name: "l2_normalize",
    storage,
    constants: { VECTORS: vectors, HEAD: head },
    buffers: { src: "Vector", dst: "Vector" },
    workgroupSize: [64, 1],
    workgroups: [pixels, 1, 1],
    declarations: "var<workgroup> shared_values: array<f32, 64>;",
    body: `
  let start = HEAD + group.x * VECTORS;
  var sum = 0.0;
  for (var v = local.x; v < VECTORS; v += 64u) { sum += dot(vec4f(src[start + v]), vec4f(src[start + v])); }
  shared_values[local.x] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < 64u; i++) { sum += shared_values[i]; }
  let length = max(sqrt(sum), f32(${epsilon}));
  for (var v = local.x; v < VECTORS; v += 64u) { dst[start + v] = Vector(vec4f(src[start + v]) / length); }`,
  });
}
