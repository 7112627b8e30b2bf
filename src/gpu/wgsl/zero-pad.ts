import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface ZeroPadOptions {
  readonly storage: Storage;
  readonly input: { readonly width: number; readonly channels: number; readonly vectors: number };
  readonly output: { readonly height: number; readonly width: number; readonly vectors: number };
  readonly stride: number;
  /** Zero channels before the input's. */
  readonly before: number;
  readonly head: number;
}

/** The parameter-free shortcut. Channels move one at a time: `before` need not be a multiple of four. */
export function zeroPad({ storage, input, output, stride, before, head }: ZeroPadOptions): Kernel {
  const count = output.height * output.width * output.vectors * 4;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: `zeropad_s${stride}`,
    storage,
    constants: {
      COUNT: count,
      WIDTH: input.width,
      CHANNELS: input.channels,
      IN_STRIDE: input.vectors * 4,
      OUT_WIDTH: output.width,
      OUT_STRIDE: output.vectors * 4,
      STRIDE: stride,
      BEFORE: before,
      HEAD: head * 4,
    },
    buffers: { src: "Scalar", dst: "Scalar" },
    ...threads,
    body: `
  ${index}
  let pixel = index / OUT_STRIDE;
  let channel = index % OUT_STRIDE - BEFORE;
  let origin = (pixel / OUT_WIDTH * WIDTH + pixel % OUT_WIDTH) * STRIDE;
  dst[HEAD + index] = src[select(0u, HEAD + origin * IN_STRIDE + channel, channel < CHANNELS)];`,
  });
}
