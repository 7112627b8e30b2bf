import type { ActivationOp, Op } from "../graph/network.js";
import type { Step, Surroundings } from "./program.js";
import { activation } from "./wgsl/activation.js";
import { binary } from "./wgsl/binary.js";
import { dilatedPool } from "./wgsl/dilated-pool.js";
import { gather } from "./wgsl/gather.js";
import { localResponse, normalize } from "./wgsl/normalize.js";
import type { Kernel } from "./wgsl/shader.js";
import { softmax } from "./wgsl/softmax.js";

/** The dispatches of an operation beside the plain ResNets'; null for any other. */
export function extendedSteps(op: Op, around: Surroundings): Step[] | null {
  const { storage, head, parameterBuffer } = around;
  const from = around.shapeOf(op.inputs[0]);
  const to = around.shapeOf(op.output);
  const [pixels, vectors] = [to.height * to.width, Math.ceil(to.channels / 4)];
  const x = around.bufferOf(op.inputs[0]);
  const y = around.bufferOf(op.output);
  const step = (kernel: Kernel, ...buffers: number[]): Step[] => [{ name: op.name, kernel, buffers }];
  switch (op.kind) {
    case "activation":
      return activationSteps(op, around);
    case "maxPool":
    case "averagePool": {
      if (!op.dilation) return null;
      const kind = op.kind === "maxPool" ? "max" : "average";
      const countPadding = op.kind === "averagePool" && op.countPadding;
      const { kernel, stride, padding, dilation } = op;
      const window = { kernel, stride, padding, countPadding };
      return step(dilatedPool({ ...window, kind, storage, head, vectors, input: from, output: to }, dilation), x, y);
    }
    case "softmax": {
      if (!op.logarithm) return null;
      const value = "f32(src[start + min(c, CHANNELS - 1u)]) - largest - log(sum)";
      const instead = ["log_softmax", value] as const;
      return step(softmax({ storage, head, pixels, vectors, channels: to.channels, instead }), x, y);
    }
    case "binary": {
      const [, other] = op.inputs;
      const shapes = { one: from, other: around.shapeOf(other), output: to };
      return step(binary({ storage, head, kind: op.function, ...shapes }), x, around.bufferOf(other), y);
    }
    case "concat": {
      let begin = 0;
      return op.inputs.map((value) => {
        const input = around.shapeOf(value);
        const part = { kind: "concat", axis: op.axis, begin } as const;
        begin += [input.height, input.width, input.channels][op.axis]!;
        const kernel = gather({ op: part, storage, head, input, output: to });
        return { name: op.name, kernel, buffers: [around.bufferOf(value), y] };
      });
    }
    case "slice":
    case "pad":
    case "transpose":
    case "reshape":
    case "shuffleChannels":
      return step(gather({ op, storage, head, input: from, output: to }), x, y);
    case "normalize": {
      const { channels } = to;
      const scale = around.addParameters(op.scale?.read() ?? new Float64Array(channels).fill(1), channels);
      const shift = around.addParameters(op.shift?.read() ?? [], channels);
      const { groups, over, epsilon } = op;
      const kernel = normalize({ storage, head, shape: to, groups, over, epsilon, scale, shift });
      return step(kernel, x, parameterBuffer, y);
    }
    case "localResponse": {
      const { size, alpha, beta, bias } = op;
      return step(localResponse({ storage, head, shape: to, size, alpha, beta, bias }), x, y);
    }
    default:
      return null;
  }
}

function activationSteps(op: ActivationOp, around: Surroundings): Step[] {
  const { function: kind, slope, alpha, beta, signed } = op;
  const { height, width, channels } = around.shapeOf(op.output);
  const slopes = kind === "prelu" ? around.addParameters(op.slopes?.read() ?? [], channels) : undefined;
  const kernel = activation({
    ...{ kind, slope, alpha, beta, signed, slopes, channels },
    ...{ storage: around.storage, head: around.head, pixels: height * width, vectors: Math.ceil(channels / 4) },
  });
  const parameters = slopes === undefined ? [] : [around.parameterBuffer];
  return [
    { name: op.name, kernel, buffers: [around.bufferOf(op.inputs[0]), ...parameters, around.bufferOf(op.output)] },
  ];
}
