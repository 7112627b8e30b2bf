import type { Padding } from "../../graph/network.js";
import { each, type Kernel, kernel, type Storage } from "./shader.js";

/** What one workgroup computes: threads[0] * channels output channels of threads[1] * pixels output pixels. */
export interface Tile {
  /** Output pixels of one thread. */
  readonly pixels: number;
  /** Output channels of one thread, a multiple of four. */
  readonly channels: number;
  /** Threads along channels, and along pixels. */
  readonly threads: readonly [channels: number, pixels: number];
  /**
   * False: a thread owns runs of four adjacent channels and moves them as vectors. True: neighbouring threads own
   * neighbouring channels and move scalars, which a machine that runs threads as the lanes of one register loads at once.
   */
  readonly interleaved: boolean;
}

/** Extents in elements, offsets and channel counts in vectors of four. */
export interface ConvolutionShape {
  readonly input: { readonly height: number; readonly width: number; readonly vectors: number };
  readonly output: { readonly height: number; readonly width: number; readonly vectors: number };
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly dilation: readonly [number, number];
  /** Input and output channels of one group. */
  readonly groupInputs: number;
  readonly groupOutputs: number;
  /** Input vectors that four adjacent output channels read: all of them where there is one group. */
  readonly span: number;
}

export interface ConvolutionOptions {
  readonly storage: Storage;
  readonly tile: Tile;
  /** Vectors of zeros at the start of each activation. */
  readonly head: number;
  /** First vector of the bias in `parameters`. */
  readonly bias: number;
  readonly residual: boolean;
  readonly relu: boolean;
  /** Slices of the input channels; more than one leaves f32 partial sums for `reduce`. */
  readonly splits: number;
}

/**
 * Implicit GEMM: output[pixel, channel] = sum over taps and input channels, with bias, residual and ReLU in the store.
 * Weights come in the order of reading: [tile][tap][input vector][4][tile's channels].
 */
export function convolution(shape: ConvolutionShape, options: ConvolutionOptions): Kernel {
  const { storage, tile, residual, relu, splits } = options;
  const { pixels: P, interleaved } = tile;
  const [across, down] = tile.threads;
  const tileChannels = across * tile.channels;
  const pixelCount = shape.output.height * shape.output.width;
  const split = splits > 1;
  // A unit is what one load of weights brings: a scalar or a vector of four output channels.
  const units = interleaved ? tile.channels : tile.channels / 4;
  const width = interleaved ? 1 : 4;
  const sum = interleaved ? "f32" : "vec4f";
  const stored = interleaved ? "Scalar" : "Vector";
  const element = split ? sum : stored;
  const unitsInHead = split ? 0 : options.head * (4 / width);

  const store = (p: number, u: number) => {
    const position = `(pixel + ${p}u) * OUT_UNITS + unit${u}`;
    let value = `sum${p}_${u}`;
    if (!split) {
      value += ` + ${sum}(parameters[BIAS * ${4 / width}u + unit${u}])`;
      if (residual) value += ` + ${sum}(residual[${position} + ${unitsInHead}u])`;
      if (relu) value = `max(${value}, ${sum}())`;
    } else return `if (inside${u}) { dst[group.z * PIXELS * OUT_UNITS + ${position}] = ${value}; }`;
    return `if (inside${u}) { dst[${position} + ${unitsInHead}u] = ${element}(${value}); }`;
  };

  return kernel({
    name: `conv${shape.kernel.join("x")}_${down * P}x${tileChannels}${interleaved ? "_interleaved" : ""}${split ? `_split${splits}` : ""}`,
    storage,
    constants: {
      HEIGHT: shape.input.height,
      WIDTH: shape.input.width,
      IN_VECTORS: shape.input.vectors,
      OUT_WIDTH: shape.output.width,
      PIXELS: pixelCount,
      OUT_UNITS: shape.output.vectors * (4 / width),
      KERNEL_Y: shape.kernel[0],
      KERNEL_X: shape.kernel[1],
      STRIDE_Y: shape.stride[0],
      STRIDE_X: shape.stride[1],
      PADDING_Y: shape.padding[0],
      PADDING_X: shape.padding[1],
      DILATION_Y: shape.dilation[0],
      DILATION_X: shape.dilation[1],
      HEAD: options.head,
      SPAN: shape.span,
      ...(interleaved ? {} : { GROUP_INPUTS: shape.groupInputs, GROUP_OUTPUTS: shape.groupOutputs }),
      ...(split ? { SLICE: Math.ceil(shape.span / splits) } : { BIAS: options.bias }),
    },
    buffers: {
      src: "Vector",
      weights: stored,
      ...(split ? {} : { parameters: sum }),
      ...(residual && !split ? { residual: stored } : {}),
      dst: element,
    },
    workgroupSize: [across, down],
    workgroups: [Math.ceil((shape.output.vectors * 4) / tileChannels), Math.ceil(pixelCount / (down * P)), splits],
    body: `
  let pixel = (group.y * ${down}u + local.y) * ${P}u;
  ${each(units, (u) => `let unit${u} = group.x * ${tileChannels / width}u + ${u * across}u + local.x;`)}
  ${
    interleaved ? "let start = 0u;" : `let start = min(unit0, OUT_UNITS - 1u) * 4u / GROUP_OUTPUTS * GROUP_INPUTS / 4u;`
  }
  ${each(
    P,
    (
      p,
    ) => `let row${p} = select(-0x1000000, i32((pixel + ${p}u) / OUT_WIDTH * STRIDE_Y) - i32(PADDING_Y), pixel + ${p}u < PIXELS);
  let column${p} = i32((pixel + ${p}u) % OUT_WIDTH * STRIDE_X) - i32(PADDING_X);`,
  )}
  ${each(P, (p) => each(units, (u) => `var sum${p}_${u} = ${sum}();`, " "))}
  ${split ? "let first = group.z * SLICE;\n  let end = min(first + SLICE, SPAN);" : "let first = 0u;\n  let end = SPAN;"}
  for (var ky = 0u; ky < KERNEL_Y; ky++) {
    for (var kx = 0u; kx < KERNEL_X; kx++) {
      ${each(
        P,
        (p) => `let y${p} = u32(row${p} + i32(ky * DILATION_Y));
      let x${p} = u32(column${p} + i32(kx * DILATION_X));
      let from${p} = start + select(0u, HEAD + (y${p} * WIDTH + x${p}) * IN_VECTORS, y${p} < HEIGHT && x${p} < WIDTH);`,
      )}
      var at = (((group.x * KERNEL_Y + ky) * KERNEL_X + kx) * SPAN + first) * ${(4 * tileChannels) / width}u + local.x;
      for (var c = first; c < end; c++) {
        ${each(P, (p) => `let in${p} = vec4f(src[from${p} + c]);`)}
        ${each(
          4,
          (
            k,
          ) => `${each(units, (u) => `let w${k}_${u} = ${sum}(weights[at + ${(k * tileChannels) / width + u * across}u]);`)}
        ${each(P, (p) => each(units, (u) => `sum${p}_${u} += in${p}.${"xyzw"[k]} * w${k}_${u};`, " "))}`,
        )}
        at += ${(4 * tileChannels) / width}u;
      }
    }
  }
  ${each(units, (u) => `let inside${u} = unit${u} < OUT_UNITS;`)}
  ${each(P, (p) => `if (pixel + ${p}u < PIXELS) {\n    ${each(units, (u) => store(p, u), "\n    ")}\n  }`)}`,
  });
}
