import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface BlurOptions {
  readonly storage: Storage;
  readonly input: { readonly height: number; readonly width: number };
  readonly output: { readonly height: number; readonly width: number };
  readonly vectors: number;
  readonly stride: number;
  readonly head: number;
}

/** [1, 2, 1] / 4 along both axes, one pixel reflected at each side. One thread takes four channels of one output pixel. */
export function blur({ storage, input, output, vectors, stride, head }: BlurOptions): Kernel {
  const count = output.height * output.width * vectors;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: `blurpool_s${stride}`,
    storage,
    constants: {
      COUNT: count,
      HEIGHT: input.height,
      WIDTH: input.width,
      VECTORS: vectors,
      OUT_WIDTH: output.width,
      STRIDE: stride,
      HEAD: head,
    },
    buffers: { src: "Vector", dst: "Vector" },
    ...threads,
    declarations: `
fn reflected(at: i32, extent: u32) -> u32 {
  let last = i32(extent) - 1;
  return u32(max(0, min(min(abs(at), last), 2 * last - at)));
}`,
    body: `
  ${index}
  let pixel = index / VECTORS;
  let row = i32(pixel / OUT_WIDTH * STRIDE);
  let column = i32(pixel % OUT_WIDTH * STRIDE);
  var value = vec4f();
  for (var y = -1; y <= 1; y++) {
    let line = reflected(row + y, HEIGHT) * WIDTH;
    for (var x = -1; x <= 1; x++) {
      let weight = f32((2 - abs(y)) * (2 - abs(x))) / 16.0;
      value += weight * vec4f(src[HEAD + (line + reflected(column + x, WIDTH)) * VECTORS + index % VECTORS]);
    }
  }
  dst[HEAD + index] = Vector(value);`,
  });
}
