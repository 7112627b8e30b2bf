import type { Graph, ValueId } from "../graph/network.js";

/**
 * Shares few buffers among all values: a buffer is taken again once its value has been read for the last time. A buffer
 * holds one value at a time and is bound whole, so that what a kernel reads and what it writes are never one buffer.
 */
export function assignBuffers(
  network: Graph,
  bytesOf: (value: ValueId) => number,
): { readonly bufferOf: readonly number[]; readonly sizes: readonly number[] } {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const lastUse = new Map<ValueId, number>();
  for (const [index, op] of ops.entries()) for (const value of op.inputs) lastUse.set(value, index);
  lastUse.set(network.output, ops.length);

  const bufferOf: number[] = [];
  const sizes: number[] = [];
  const free: number[] = [];
  const take = (value: ValueId) => {
    const bytes = bytesOf(value);
    // The buffer that grows least, and among those that need not grow the smallest.
    const cost = (buffer: number) => Math.max(0, bytes - sizes[buffer]!) * 2 + Math.abs(sizes[buffer]! - bytes);
    free.sort((a, b) => cost(a) - cost(b));
    const buffer = free.shift() ?? sizes.push(0) - 1;
    sizes[buffer] = Math.max(sizes[buffer]!, bytes);
    bufferOf[value] = buffer;
  };
  take(network.input);
  for (const [index, op] of ops.entries()) {
    take(op.output);
    const done = new Set([...op.inputs, op.output].filter((value) => (lastUse.get(value) ?? index) === index));
    for (const value of done) free.push(bufferOf[value]!);
  }
  return { bufferOf, sizes };
}
