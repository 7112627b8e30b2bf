/** Something that lives in the arena from the step that writes it to the last step that reads it, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

const ALIGNMENT = 64;

/**
 * Offsets such that no two things alive at the same step overlap; greedy by size (Pisarchyk & Lee 2020, "Efficient Memory
 * Management for Deep Neural Net Inference", section 4.2), each into the smallest gap that holds it.
 */
export function planArena(lifetimes: readonly Lifetime[]): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, index) => index).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const placed: number[] = [];
  let total = 0;
  for (const index of order) {
    const item = lifetimes[index]!;
    const size = align(item.bytes);
    const neighbours = placed
      .filter((other) => lifetimes[other]!.first <= item.last && item.first <= lifetimes[other]!.last)
      .sort((a, b) => offsets[a]! - offsets[b]!);
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const other of neighbours) {
      const gap = offsets[other]! - end;
      if (gap >= size && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = Math.max(end, offsets[other]! + align(lifetimes[other]!.bytes));
    }
    offsets[index] = best >= 0 ? best : end;
    total = Math.max(total, offsets[index]! + size);
    placed.push(index);
  }
  return { offsets, bytes: total };
}

/** The next whole cache line. Bytes may be more than 2^31, where bitwise operators would wrap. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
