import { Field, WinogradField } from "../../../assembly/shared/record.js";
import type { ConvOp, ValueShape } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import type { Drafts, Words } from "../program/drafts.js";

/** Fields that the records of every form of Winograd have. */
export function winogradWords(drafts: Drafts, op: ConvOp, outputTile: 4 | 2): Words {
  const output = drafts.shape(op.output);
  const [tilesHigh, tilesWide] = gridOf(output, outputTile);
  return {
    [Field.relu]: op.relu,
    ...drafts.image(op),
    [WinogradField.padHeight]: op.padding[0],
    [WinogradField.padWidth]: op.padding[1],
    [WinogradField.strideHeight]: op.stride[0],
    [WinogradField.panels]: Math.ceil(paddedChannels(output.channels) / 8),
    [WinogradField.outputTile]: outputTile,
    [WinogradField.tilesWide]: tilesWide,
    [WinogradField.tilesHigh]: tilesHigh,
    [WinogradField.pictureTiles]: tilesHigh,
    [WinogradField.pictureHeight]: output.height,
  };
}

/** Winograd tiles of `outputTile` pixels a side that cover an image: down and across. */
export function gridOf({ height, width }: ValueShape, outputTile: number): [number, number] {
  return [Math.ceil(height / outputTile), Math.ceil(width / outputTile)];
}
