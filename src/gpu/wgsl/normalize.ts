import type { LocalResponseOp, ValueShape } from "../../graph/network.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface NormalizeOptions {
  readonly storage: Storage;
  readonly shape: ValueShape;
  readonly groups: number;
  readonly over: "pixel" | "image";
  readonly epsilon: number;
  /** First vectors in `parameters`. */
  readonly scale: number;
  readonly shift: number;
  readonly head: number;
}

/** Zeros in the lanes behind the channels. Where there are none, compilers refuse to divide by their number. */
const padding = `
  if (first + SIZE == CHANNELS) {
    for (var i = local.x; i < PIXELS * (STEP - CHANNELS); i += 64u) {
      dst[start + SIZE + i / (STEP - CHANNELS) * STEP + i % (STEP - CHANNELS)] = Scalar();
    }
  }`;

/** One workgroup for each group of channels, of a pixel or of all. Sums run in a fixed order, those of squares over differences to the mean. */
export function normalize({ storage, shape, groups, over, epsilon, scale, shift, head }: NormalizeOptions): Kernel {
  const pixels = shape.height * shape.width;
  const size = shape.channels / groups;
  const step = Math.ceil(shape.channels / 4) * 4;
  const own = over === "pixel" ? 1 : pixels;
  return kernel({
    name: `normalize_${over}`,
    storage,
    constants: { COUNT: own * size, PIXELS: own, SIZE: size, STEP: step, CHANNELS: shape.channels, HEAD: head * 4 },
    buffers: { src: "Scalar", parameters: "vec4f", dst: "Scalar" },
    workgroupSize: [64, 1],
    workgroups: [over === "pixel" ? pixels : 1, groups, 1],
    declarations: `
var<workgroup> shared_values: array<f32, 64>;
fn total(own: f32, thread: u32) -> f32 {
  workgroupBarrier();
  shared_values[thread] = own;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < 64u; i++) { sum += shared_values[i]; }
  return sum;
}`,
    body: `
  let first = group.y * SIZE;
  let start = HEAD + group.x * STEP + first;
  var sum = 0.0;
  for (var i = local.x; i < COUNT; i += 64u) { sum += f32(src[start + i / SIZE * STEP + i % SIZE]); }
  let mean = total(sum, local.x) / f32(COUNT);
  sum = 0.0;
  for (var i = local.x; i < COUNT; i += 64u) {
    let difference = f32(src[start + i / SIZE * STEP + i % SIZE]) - mean;
    sum += difference * difference;
  }
  let factor = inverseSqrt(total(sum, local.x) / f32(COUNT) + f32(${epsilon}));
  for (var i = local.x; i < COUNT; i += 64u) {
    let channel = first + i % SIZE;
    let at = start + i / SIZE * STEP + i % SIZE;
    let value = (f32(src[at]) - mean) * factor;
    dst[at] = Scalar(value * parameters[${scale}u + channel / 4u][channel % 4u] + parameters[${shift}u + channel / 4u][channel % 4u]);
  }
  ${step > shape.channels ? padding : ""}`,
  });
}

export interface LocalResponseOptions extends Pick<LocalResponseOp, "size" | "alpha" | "beta" | "bias"> {
  readonly storage: Storage;
  readonly shape: ValueShape;
  readonly head: number;
}

/** One thread a channel of a pixel. */
export function localResponse({ storage, shape, size, alpha, beta, bias, head }: LocalResponseOptions): Kernel {
  const step = Math.ceil(shape.channels / 4) * 4;
  const count = shape.height * shape.width * step;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: "local_response",
    storage,
    constants: { COUNT: count, STEP: step, CHANNELS: shape.channels, HEAD: head * 4 },
    buffers: { src: "Scalar", dst: "Scalar" },
    ...threads,
    body: `
  ${index}
  let channel = index % STEP;
  let pixel = HEAD + index - channel;
  let first = i32(channel) - ${(size - 1) >> 1};
  var sum = 0.0;
  for (var c = max(first, 0); c < min(first + ${size}, i32(CHANNELS)); c++) {
    let other = f32(src[pixel + u32(c)]);
    sum += other * other;
  }
  let value = f32(src[pixel + channel]) * pow(f32(${bias}) + f32(${alpha / size}) * sum, f32(${-beta}));
  dst[pixel + channel] = Scalar(select(0.0, value, channel < CHANNELS));`,
  });
}
