import type { Padding } from "../../graph/network.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface PoolOptions {
  readonly kind: "max" | "average";
  readonly storage: Storage;
  readonly input: { readonly height: number; readonly width: number };
  readonly output: { readonly height: number; readonly width: number };
  readonly vectors: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  /** An average divides by the window's share of the padded input, as PyTorch's count_include_pad does. */
  readonly countPadding: boolean;
  readonly head: number;
}

/** One thread takes four channels of one output pixel. Positions in the padding take no part. */
export function pool(options: PoolOptions): Kernel {
  const { kind, storage, input, output, vectors, countPadding, head } = options;
  const count = output.height * output.width * vectors;
  const { index, ...threads } = elementwise(count);
  const max = kind === "max";
  return kernel({
    name: `${kind}pool${options.kernel.join("x")}`,
    storage,
    constants: {
      COUNT: count,
      HEIGHT: input.height,
      WIDTH: input.width,
      VECTORS: vectors,
      OUT_WIDTH: output.width,
      KERNEL_Y: options.kernel[0],
      KERNEL_X: options.kernel[1],
      STRIDE_Y: options.stride[0],
      STRIDE_X: options.stride[1],
      PADDING_Y: options.padding[0],
      PADDING_X: options.padding[1],
      HEAD: head,
      ...(!max && countPadding
        ? { COUNTED_Y: input.height + options.padding[2], COUNTED_X: input.width + options.padding[3] }
        : {}),
    },
    buffers: { src: "Vector", dst: "Vector" },
    ...threads,
    body: `
  ${index}
  let pixel = index / VECTORS;
  let row = i32(pixel / OUT_WIDTH * STRIDE_Y) - i32(PADDING_Y);
  let column = i32(pixel % OUT_WIDTH * STRIDE_X) - i32(PADDING_X);
  let top = max(row, 0);
  let left = max(column, 0);
  let bottom = min(row + i32(KERNEL_Y), i32(HEIGHT));
  let right = min(column + i32(KERNEL_X), i32(WIDTH));
  var value = ${max ? "vec4f(-3.4028234e38)" : "vec4f()"};
  for (var y = top; y < bottom; y++) {
    for (var x = left; x < right; x++) {
      let next = vec4f(src[HEAD + (u32(y) * WIDTH + u32(x)) * VECTORS + index % VECTORS]);
      value = ${max ? "max(value, next)" : "value + next"};
    }
  }
  ${
    max
      ? ""
      : countPadding
        ? `let rows = min(row + i32(KERNEL_Y), i32(COUNTED_Y)) - row;
  let columns = min(column + i32(KERNEL_X), i32(COUNTED_X)) - column;
  value /= f32(rows * columns);`
        : "value /= f32(max((bottom - top) * (right - left), 1));"
  }
  dst[HEAD + index] = Vector(value);`,
  });
}
