import type { Graph, Op, ValueShape } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { activate } from "./activate.js";
import { runExtended } from "./extended-reference.js";

/**
 * Runs a network by plain loops in f64: the numeric reference for every kernel. Weights are rounded to f32, as devices see
 * them; nothing else is. `input` is NCHW [3, h, w]; the result is the output value, [channels] at the end of a network.
 */
export function runReference(network: Graph, input: ArrayLike<number>): Float64Array {
  return runReferenceStages(network, input).at(-1)!;
}

/** The output of every stage, each CHW. */
export function runReferenceStages(network: Graph, input: ArrayLike<number>): Float64Array[] {
  const { height, width, channels } = network.values[network.input]!;
  if (input.length !== channels * height * width) throw new RangeError(`input has ${input.length} values`);
  let values = new Map<number, Float64Array>([[network.input, Float64Array.from(input)]]);
  return network.stages.map((stage) => {
    values = new Map([[stage.input, values.get(stage.input)!]]);
    for (const op of stage.ops)
      values.set(
        op.output,
        runOp(
          op,
          (id) => values.get(id)!,
          (id) => network.values[id]!,
        ),
      );
    return values.get(stage.output)!;
  });
}

/** One operation on CHW values; `shapeOf` tells their logical extents. */
export function runOp(
  op: Op,
  activation: (id: number) => Float64Array,
  shapeOf: (id: number) => ValueShape,
): Float64Array {
  const x = activation(op.inputs[0]);
  const from = shapeOf(op.inputs[0]);
  const to = shapeOf(op.output);
  const y = new Float64Array(to.channels * to.height * to.width);
  const plane = to.height * to.width;
  switch (op.kind) {
    case "conv": {
      const [kernelHeight, kernelWidth] = op.kernel;
      const depth = from.channels / op.groups;
      const weights = new Float32Array(elementCount(op.weight.shape));
      const bias = op.bias && Float32Array.from(op.bias.read());
      op.weight.read(0, to.channels, weights);
      for (let o = 0; o < to.channels; o++) {
        const out = y.subarray(o * plane, (o + 1) * plane).fill(bias?.[o] ?? 0);
        const firstChannel = Math.floor(o / (to.channels / op.groups)) * depth;
        for (let i = 0; i < depth; i++) {
          const xAt = (firstChannel + i) * from.height * from.width;
          for (let ky = 0; ky < kernelHeight; ky++) {
            for (let kx = 0; kx < kernelWidth; kx++) {
              const weight = weights[((o * depth + i) * kernelHeight + ky) * kernelWidth + kx]!;
              const shift = kx * op.dilation[1] - op.padding[1];
              const first = Math.max(0, Math.ceil(-shift / op.stride[1]));
              const last = Math.min(to.width - 1, Math.floor((from.width - 1 - shift) / op.stride[1]));
              for (let row = 0; row < to.height; row++) {
                const yy = row * op.stride[0] + ky * op.dilation[0] - op.padding[0];
                if (yy < 0 || yy >= from.height) continue;
                const rowAt = xAt + yy * from.width + shift;
                const outAt = row * to.width;
                for (let column = first; column <= last; column++) {
                  out[outAt + column]! += weight * x[rowAt + column * op.stride[1]]!;
                }
              }
            }
          }
        }
      }
      if (op.inputs[1] !== undefined) {
        const residual = activation(op.inputs[1]);
        for (let i = 0; i < y.length; i++) y[i]! += residual[i]!;
      }
      break;
    }
    case "linear": {
      const weights = new Float32Array(elementCount(op.weight.shape));
      const bias = op.bias && Float32Array.from(op.bias.read());
      op.weight.read(0, to.channels, weights);
      for (let o = 0; o < to.channels; o++) {
        let sum = bias?.[o] ?? 0;
        for (let i = 0; i < x.length; i++) sum += weights[o * x.length + i]! * x[i]!;
        y[o] = sum;
      }
      break;
    }
    case "batchNorm": {
      const [scale, shift] = [op.scale.read(), op.shift.read()];
      for (let i = 0; i < y.length; i++) {
        const channel = Math.floor(i / plane);
        y[i] = x[i]! * scale[channel]! + shift[channel]!;
      }
      break;
    }
    case "add": {
      const other = activation(op.inputs[1]);
      for (let i = 0; i < y.length; i++) y[i] = x[i]! + other[i]!;
      break;
    }
    case "relu":
      for (let i = 0; i < y.length; i++) y[i] = Math.max(0, x[i]!);
      break;
    case "activation": {
      const slopes = op.slopes && Float32Array.from(op.slopes.read());
      for (let i = 0; i < y.length; i++) y[i] = activate(op, x[i]!, slopes?.[Math.floor(i / plane)]);
      break;
    }
    case "maxPool":
    case "averagePool":
      pool(op, x, from, y, to);
      break;
    case "globalAveragePool": {
      const count = from.height * from.width;
      for (let c = 0; c < to.channels; c++) y[c] = sumOf(x.subarray(c * count, (c + 1) * count)) / count;
      break;
    }
    case "globalMaxPool": {
      const count = from.height * from.width;
      for (let c = 0; c < to.channels; c++) y[c] = Math.max(...x.subarray(c * count, (c + 1) * count));
      break;
    }
    case "blurPool": {
      const reflect = (at: number, extent: number) => (at < 0 ? -at : at >= extent ? 2 * (extent - 1) - at : at);
      for (let i = 0; i < y.length; i++) {
        const [c, row, column] = [Math.floor(i / plane), Math.floor((i % plane) / to.width), i % to.width];
        for (let ky = -1; ky <= 1; ky++) {
          for (let kx = -1; kx <= 1; kx++) {
            const [yy, xx] = [reflect(row * op.stride + ky, from.height), reflect(column * op.stride + kx, from.width)];
            y[i]! += (((2 - Math.abs(ky)) * (2 - Math.abs(kx))) / 16) * x[(c * from.height + yy) * from.width + xx]!;
          }
        }
      }
      break;
    }
    case "l2Normalize": {
      const length = Math.max(op.epsilon, Math.sqrt(sumOf(x.map((value) => value * value))));
      for (let i = 0; i < y.length; i++) y[i] = x[i]! / length;
      break;
    }
    case "zeroPadShortcut":
      for (let c = 0; c < from.channels; c++) {
        for (let row = 0; row < to.height; row++) {
          for (let column = 0; column < to.width; column++) {
            y[(c + op.before) * plane + row * to.width + column] =
              x[(c * from.height + row * op.stride) * from.width + column * op.stride]!;
          }
        }
      }
      break;
    case "softmax":
      for (let pixel = 0; pixel < plane; pixel++) {
        const at = (channel: number) => channel * plane + pixel;
        let largest = Number.NEGATIVE_INFINITY;
        for (let c = 0; c < to.channels; c++) largest = Math.max(largest, x[at(c)]!);
        let sum = 0;
        for (let c = 0; c < to.channels; c++) sum += Math.exp(x[at(c)]! - largest);
        for (let c = 0; c < to.channels; c++) {
          const power = x[at(c)]! - largest;
          y[at(c)] = op.logarithm ? power - Math.log(sum) : Math.exp(power) / sum;
        }
      }
      break;
    default:
      return runExtended(op, op.inputs.map(activation), op.inputs.map(shapeOf), to);
  }
  if ("relu" in op && op.relu) for (let i = 0; i < y.length; i++) y[i] = Math.max(0, y[i]!);
  return y;
}

function pool(
  op: Op & { kind: "maxPool" | "averagePool" },
  x: Float64Array,
  from: ValueShape,
  y: Float64Array,
  to: ValueShape,
): void {
  const [dilationHeight, dilationWidth] = op.dilation ?? [1, 1];
  for (let c = 0; c < to.channels; c++) {
    for (let row = 0; row < to.height; row++) {
      for (let column = 0; column < to.width; column++) {
        let largest = Number.NEGATIVE_INFINITY;
        let sum = 0;
        let inside = 0;
        let padded = 0;
        for (let ky = 0; ky < op.kernel[0]; ky++) {
          for (let kx = 0; kx < op.kernel[1]; kx++) {
            const yy = row * op.stride[0] + ky * dilationHeight - op.padding[0];
            const xx = column * op.stride[1] + kx * dilationWidth - op.padding[1];
            // PyTorch counts padding, but not what ceil mode lets hang over the padded edge.
            if (yy < from.height + op.padding[2] && xx < from.width + op.padding[3]) padded++;
            if (yy < 0 || yy >= from.height || xx < 0 || xx >= from.width) continue;
            const value = x[(c * from.height + yy) * from.width + xx]!;
            largest = Math.max(largest, value);
            sum += value;
            inside++;
          }
        }
        const count = op.kind === "averagePool" && op.countPadding ? padded : inside;
        y[(c * to.height + row) * to.width + column] = op.kind === "maxPool" ? largest : inside ? sum / count : 0;
      }
    }
  }
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
