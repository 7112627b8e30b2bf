import { Field, Tile } from "../../../assembly/shared/record.js";

/** Tiles of the matrix product, rows by columns; the names are the kernels' in assembly/. */
export const tiles = { "4x8": Tile.f32_4x8, "6x8": Tile.f32_6x8, "6x16": Tile.f32_6x16 } as const;
export type TileName = keyof typeof tiles;

/** The one that modules with integers have for f32 layers. */
export const TILE_BESIDE_INTEGERS = "4x8";

/** Writes the tile into a program's records. */
export function useTile(
  memory: WebAssembly.Memory,
  { recordsAt, records }: { readonly recordsAt: number; readonly records: Int32Array },
  tile: Tile,
): void {
  const words = new Int32Array(memory.buffer, recordsAt, records.length);
  for (let at: number = Field.tile; at < words.length; at += Field.size)
    if (words[at]! < Tile.qs8_4x8) words[at] = tile;
}
