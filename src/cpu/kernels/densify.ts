import type { ConvOp } from "../../graph/network.js";

/** The same grouped convolution with one group and zeros between: for the odd widths that the grouped kernel does not store. */
export function densify(op: ConvOp): ConvOp {
  if (op.groups === 1) return op;
  const [outChannels, depth, height, width] = op.weight.shape as [number, number, number, number];
  const taps = height * width;
  const groupOut = outChannels / op.groups;
  const wide = depth * op.groups;
  const read = (begin: number, end: number, target: Float32Array) => {
    const rows = new Float32Array((end - begin) * depth * taps);
    op.weight.read(begin, end, rows);
    target.fill(0, 0, (end - begin) * wide * taps);
    for (let row = begin; row < end; row++) {
      const group = Math.floor(row / groupOut);
      const source = rows.subarray((row - begin) * depth * taps, (row - begin + 1) * depth * taps);
      target.set(source, ((row - begin) * wide + group * depth) * taps);
    }
  };
  return {
    ...op,
    groups: 1,
    weight: { ...op.weight, shape: [outChannels, wide, height, width], read, int8: undefined },
  };
}
