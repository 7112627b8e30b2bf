import { generator } from "../random.js";

/** Choices out of one seeded generator. */
export class Random {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = generator(seed);
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** Numbers at which readers' arithmetic turns. */
export const edges = [
  ...[0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300],
  ...[-1, -2, -128, -(2 ** 31), 0.5, -0.5, 1.5],
];

/** Changes at any place, as damage does. */
export function damage(original: Uint8Array, random: Random): Uint8Array {
  const bytes = original.slice();
  if (bytes.length === 0) return bytes;
  switch (random.below(6)) {
    case 0:
      for (let flips = 1 + random.below(4); flips > 0; flips--)
        bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      for (let writes = 1 + random.below(8); writes > 0; writes--)
        bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    case 2: {
      const at = random.below(bytes.length);
      return bytes.fill(random.of([0, 0xff, 0x7f, 0x80]), at, at + 1 + random.below(8));
    }
    case 3: {
      const from = random.below(bytes.length);
      bytes.copyWithin(random.below(bytes.length), from, from + 1 + random.below(64));
      return bytes;
    }
    case 4:
      return bytes.subarray(0, random.below(bytes.length));
    default:
      return splice(
        bytes,
        random.below(bytes.length),
        random.below(32),
        random.chance(0.5) ? bytes.subarray(0, random.below(64)) : [],
      );
  }
}

export function splice(bytes: Uint8Array, at: number, gone: number, added: ArrayLike<number>): Uint8Array {
  const rest = bytes.subarray(at + gone);
  const result = new Uint8Array(at + added.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(rest, at + added.length);
  return result;
}
