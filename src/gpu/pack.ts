import type { Weight } from "../graph/network.js";
import type { Storage } from "./wgsl/shader.js";

export interface PackShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  readonly taps: number;
  /** Output channels of a tile. */
  readonly tileChannels: number;
  readonly span: number;
}

/** Input vectors that any four adjacent output channels read, at most. All of them where there is one group. */
export function groupSpan(inputs: number, outputs: number, groups: number): number {
  const groupInputs = inputs / groups;
  const groupOutputs = outputs / groups;
  let span = 0;
  for (let first = 0; first < outputs; first += 4) {
    const lastGroup = Math.floor(Math.min(first + 3, outputs - 1) / groupOutputs);
    const end = Math.ceil(((lastGroup + 1) * groupInputs) / 4);
    span = Math.max(span, end - firstVector(first, groupInputs, groupOutputs));
  }
  return span;
}

/** Where the span of the four channels from `channel` on begins; the kernel computes the same. */
function firstVector(channel: number, groupInputs: number, groupOutputs: number): number {
  return Math.floor((Math.floor(channel / groupOutputs) * groupInputs) / 4);
}

export function packedElements({ outputs, taps, tileChannels, span }: PackShape): number {
  return Math.ceil(outputs / tileChannels) * taps * span * 4 * tileChannels;
}

/**
 * Writes [O, I / groups, kh, kw] to `target` as [tile][tap][vector of the span][4][tile's channels], the order in which
 * `convolution` reads. Channels outside of an output's group, and outputs past the last, are zero.
 */
export function packWeights(weight: Weight, shape: PackShape, storage: Storage, target: ArrayBuffer): void {
  const { inputs, outputs, groups, taps, tileChannels, span } = shape;
  const groupInputs = inputs / groups;
  const groupOutputs = outputs / groups;
  const row = groupInputs * taps;
  const tileElements = taps * span * 4 * tileChannels;
  const rows = new Float32Array(tileChannels * row);
  const scratch = storage === "f16" ? new Float32Array(tileElements) : null;
  for (let begin = 0, tile = 0; begin < outputs; begin += tileChannels, tile++) {
    const end = Math.min(begin + tileChannels, outputs);
    weight.read(begin, end, rows);
    const packed = scratch?.fill(0) ?? new Float32Array(target, tile * tileElements * 4, tileElements);
    for (let output = begin; output < end; output++) {
      const group = Math.floor(output / groupOutputs);
      const shift = group * groupInputs - firstVector(output & ~3, groupInputs, groupOutputs) * 4;
      let from = (output - begin) * row;
      for (let input = 0; input < groupInputs; input++) {
        let to = (input + shift) * tileChannels + output - begin;
        for (let tap = 0; tap < taps; tap++, to += span * 4 * tileChannels) packed[to] = rows[from++] as number;
      }
    }
    if (scratch) toHalves(scratch, new Uint16Array(target, tile * tileElements * 2, tileElements));
  }
}

/** Rounds to the nearest f16, ties to even; values beyond its range become infinite, as in IEEE 754. */
export function toHalves(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let index = 0; index < bits.length; index++) to[index] = toHalf(bits[index] as number);
}

function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 a half is subnormal: the significand, its leading one made explicit, moves right.
  const shift = magnitude < 0x38800000 ? 126 - (magnitude >>> 23) : 13;
  if (shift > 24) return sign;
  const exact = magnitude < 0x38800000 ? (magnitude & 0x7fffff) | 0x800000 : magnitude - 0x38000000;
  const half = exact >>> shift;
  const rest = exact & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0));
}
