import type { Tile } from "./wgsl/convolution.js";

/** What the choice of a tile depends on. */
export interface TileInput {
  readonly pixels: number;
  /** Output channels. */
  readonly channels: number;
  readonly groups: number;
}

/** How work is divided for a kind of adapter. */
export interface Tiling {
  tile(shape: TileInput): Tile;
  /** Fewer workgroups than this, and the sum over input channels is split. */
  readonly leastWorkgroups: number;
}

/** Real GPUs: vectors of channels, so that neighbouring threads load neighbouring 16 bytes. */
export const hardwareTiling: Tiling = {
  tile: ({ pixels }) =>
    pixels === 1
      ? { pixels: 1, channels: 4, threads: [32, 1], interleaved: false }
      : { pixels: 4, channels: 4, threads: [8, 8], interleaved: false },
  leastWorkgroups: 128,
};

/**
 * Software adapters run neighbouring threads as the lanes of one vector register. If each lane loads one channel, the load is one
 * instruction. A large tile spreads the cost of a bounds check over more sums.
 */
export const softwareTiling: Tiling = {
  tile: ({ pixels, channels, groups }) => {
    if (groups > 1) return { pixels: 4, channels: 4, threads: [4, 8], interleaved: false };
    const across = channels > 32 ? 8 : 4;
    return {
      pixels: pixels === 1 ? 1 : 8,
      channels: channels > 16 ? 8 : 4,
      threads: [across, pixels === 1 ? 1 : 8],
      interleaved: true,
    };
  },
  leastWorkgroups: 1,
};
