import { type Kernel, kernel, type Storage } from "./shader.js";

export interface SoftmaxOptions {
  readonly storage: Storage;
  readonly pixels: number;
  readonly channels: number;
  readonly vectors: number;
  readonly head: number;
  /** Another function of the same maximum and sum: its name, and what it stores. */
  readonly instead?: readonly [name: string, value: string];
}

/** One workgroup a pixel. Sums run in a fixed order: each thread's own channels, then the threads'. */
export function softmax({ storage, pixels, channels, vectors, head, instead }: SoftmaxOptions): Kernel {
  return kernel({
    name: instead?.[0] ?? "softmax",
    storage,
    constants: { CHANNELS: channels, STRIDE: vectors * 4, HEAD: head * 4 },
    buffers: { src: "Scalar", dst: "Scalar" },
    workgroupSize: [64, 1],
    workgroups: [pixels, 1, 1],
    declarations: "var<workgroup> shared_values: array<f32, 64>;",
    body: `
  let start = HEAD + group.x * STRIDE;
  var largest = -3.4028234e38;
  for (var c = local.x; c < CHANNELS; c += 64u) { largest = max(largest, f32(src[start + c])); }
  shared_values[local.x] = largest;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) { largest = max(largest, shared_values[i]); }
  workgroupBarrier();
  var sum = 0.0;
  for (var c = local.x; c < CHANNELS; c += 64u) { sum += exp(f32(src[start + c]) - largest); }
  shared_values[local.x] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < 64u; i++) { sum += shared_values[i]; }
  for (var c = local.x; c < STRIDE; c += 64u) {
    dst[start + c] = Scalar(select(0.0, ${instead?.[1] ?? "exp(f32(src[start + min(c, CHANNELS - 1u)]) - largest) / sum"}, c < CHANNELS));
  }`,
  });
}
