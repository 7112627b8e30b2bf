import type { PoolOptions } from "./pool.js";
import { elementwise, type Kernel, kernel } from "./shader.js";

/** As `pool`, of elements that lie apart. */
export function dilatedPool(options: PoolOptions, dilation: readonly [number, number]): Kernel {
  const { kind, storage, input, output, vectors, countPadding, head, padding, stride } = options;
  const count = output.height * output.width * vectors;
  const { index, ...threads } = elementwise(count);
  const max = kind === "max";
  const counted = countPadding ? `y < ${input.height + padding[2]} && x < ${input.width + padding[3]}` : "is_inside";
  return kernel({
    name: `dilated_${kind}pool${options.kernel.join("x")}`,
    storage,
    constants: { COUNT: count, VECTORS: vectors, OUT_WIDTH: output.width, HEAD: head },
    buffers: { src: "Vector", dst: "Vector" },
    ...threads,
    body: `
  ${index}
  let pixel = index / VECTORS;
  let row = i32(pixel / OUT_WIDTH) * ${stride[0]} - ${padding[0]};
  let column = i32(pixel % OUT_WIDTH) * ${stride[1]} - ${padding[1]};
  var value = ${max ? "vec4f(-3.4028234e38)" : "vec4f()"};
  var taken = 0;
  for (var ky = 0; ky < ${options.kernel[0]}; ky++) {
    for (var kx = 0; kx < ${options.kernel[1]}; kx++) {
      let y = row + ky * ${dilation[0]};
      let x = column + kx * ${dilation[1]};
      let is_inside = y >= 0 && y < ${input.height} && x >= 0 && x < ${input.width};
      if (${counted}) { taken++; }
      if (!is_inside) { continue; }
      let next = vec4f(src[HEAD + u32(y * ${input.width} + x) * VECTORS + index % VECTORS]);
      value = ${max ? "max(value, next)" : "value + next"};
    }
  }
  dst[HEAD + index] = Vector(${max ? "value" : "value / f32(max(taken, 1))"});`,
  });
}
