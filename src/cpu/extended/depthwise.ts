import { DepthwiseField, ExtendedKernel } from "../../../assembly/shared/extended.js";
import { ConvField, Field } from "../../../assembly/shared/record.js";
import { panelBytes } from "../../../assembly/shared/sizes.js";
import type { ConvOp } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { window } from "../lower/lower.js";
import { neededBy } from "../pack/weights.js";
import type { Drafts } from "../program/drafts.js";
import type { PackForm } from "../program/program.js";

/** [channels / 4][taps][4]. */
const depthwiseForm: PackForm = {
  channelBytes: (taps) => panelBytes(1, taps),
  *pack({ weight, taps, groupOut, weightsAt }, _, kernels) {
    const channels = weight.shape[0]!;
    const rows = new Float32Array(channels * taps);
    yield neededBy(weight, channels);
    weight.read(0, channels, rows);
    const target = new Float32Array(kernels.memory.buffer, weightsAt, groupOut * taps).fill(0);
    for (let channel = 0; channel < channels; channel++) {
      const at = (channel & ~3) * taps + (channel & 3);
      for (let tap = 0; tap < taps; tap++) target[at + 4 * tap] = rows[channel * taps + tap]!;
    }
  },
};

export function isDepthwise({ groups, weight }: ConvOp): boolean {
  return groups > 1 && groups === weight.shape[0] && weight.shape[1] === 1;
}

export function lowerDepthwise(drafts: Drafts, op: ConvOp): void {
  const output = drafts.shape(op.output);
  const strip = stripOf(drafts, op);
  const taps = op.kernel[0] * op.kernel[1];
  drafts.push(op, strip ? "f32_depthwise" : "f32_depthwise_any", {
    words: {
      ...drafts.image(op),
      [Field.kernel]: strip ? ExtendedKernel.depthwise : ExtendedKernel.depthwiseAny,
      [Field.pieces]: output.height,
      [Field.relu]: op.relu,
      ...window(op),
      [ConvField.dilationHeight]: op.dilation[0],
      [ConvField.dilationWidth]: op.dilation[1],
      [DepthwiseField.strip]: strip,
    },
    areas: drafts.places(op),
    weights: drafts.addWeights(op, {
      ...{ form: depthwiseForm, depth: 1, taps },
      groupOut: paddedChannels(output.channels),
    }),
  });
}

/** Output columns that go together; 0 for what has no strips. */
function stripOf(drafts: Drafts, op: ConvOp): number {
  const [kernel] = op.kernel;
  const [stride] = op.stride;
  const [top, left] = op.padding;
  const [input, { width }] = [drafts.shape(op.inputs[0]), drafts.shape(op.output)];
  const half = kernel >> 1;
  const beyond = (width - 1) * stride - left + kernel - input.width;
  const fits =
    [3, 5].includes(kernel) &&
    op.kernel[1] === kernel &&
    [1, 2].includes(stride) &&
    op.stride[1] === stride &&
    op.dilation.every((step) => step === 1) &&
    op.inputs.length === 1 &&
    Math.max(top, left, beyond) <= half;
  if (!fits || width < 4) return 0;
  // What a strip takes beside its columns is about one of them.
  const costOf = (strip: number) => Math.ceil(width / strip) * (strip + 1);
  return width >= 7 && costOf(7) <= costOf(4) ? 7 : 4;
}
