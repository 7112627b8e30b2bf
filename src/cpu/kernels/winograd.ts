import { Field, Kernel, WinogradField } from "../../../assembly/shared/record.js";
import { planeBytes, winogradPoints, winogradWorkBytes } from "../../../assembly/shared/sizes.js";
import { winogradForm } from "../pack/panels.js";
import { groupsOf, inOnes, PIECES_PER_THREAD } from "./group.js";
import { type ConvKernel, geometry } from "./kernel.js";
import { gridOf, winogradWords } from "./winograd-grid.js";

/** V and M of a group of Winograd tiles should stay in a core's second-level cache beside a part of the weights. */
const SCRATCH_BYTES = 500 * 1024;
/** But groups may have so many tiles: of fewer, weights are read too often. */
const FEW_TILES = 13;
/** Threads take groups of at least `LEAST_TILES`, where each has `THREAD_TILES` of them, or else share each phase. */
const THREAD_TILES = 12;
const LEAST_TILES = 8;

/** F(4x4,3x3) and F(2x2,3x3) (Lavin & Gray 2016), on weights that were transformed when they were packed. */
export const winograd4 = winograd(4);
export const winograd2 = winograd(2);

function winograd(outputTile: 4 | 2): ConvKernel {
  const name = `f32_conv3x3s1_winograd${outputTile}`;
  const form = winogradForm(outputTile);
  return {
    name,
    fits: (op, network) => geometry(op, network) === "value,3,3,1,1,1,1,1",
    lower(drafts, op) {
      const output = drafts.shape(op.output);
      const [inStep, outStep] = drafts.pixelSteps(op);
      const [tilesHigh, tilesWide] = gridOf(output, outputTile);
      const tiles = tilesHigh * tilesWide;
      const points = winogradPoints(outputTile);
      const panels = Math.ceil(outStep / 8);
      const planes = (count: number) => points * (planeBytes(count, inStep) + planeBytes(count, outStep));
      const weights = drafts.addWeights(op, { form, taps: 9 });
      const words = winogradWords(drafts, op, outputTile);
      const { threads } = drafts.options;
      if (threads === 1 || tiles >= threads * THREAD_TILES) {
        const fitting = Math.floor(SCRATCH_BYTES / (points * 4 * (inStep + outStep)));
        const { size, count, most } = groupsOf(tiles, LEAST_TILES, Math.max(fitting, FEW_TILES), threads, inOnes);
        drafts.needScratch(winogradWorkBytes(most, inStep) + planes(most));
        drafts.push(op, name, {
          words: {
            ...words,
            [Field.kernel]: Kernel.winograd,
            [Field.pieces]: count,
            [WinogradField.tilesPerGroup]: size,
          },
          areas: drafts.places(op),
          weights,
        });
        return;
      }
      const transformed = drafts.area(points * planeBytes(tiles, inStep));
      const products = drafts.area(points * planeBytes(tiles, outStep));
      const tilesPerGroup = Math.max(1, Math.floor(tiles / (PIECES_PER_THREAD * threads)));
      const panelsPerPiece = Math.max(1, Math.ceil(panels / 2));
      const groups = {
        ...words,
        [Field.pieces]: Math.ceil(tiles / tilesPerGroup),
        [WinogradField.tilesPerGroup]: tilesPerGroup,
      };
      drafts.needScratch(winogradWorkBytes(tiles, inStep));
      drafts.push(op, `${name}_input`, {
        words: { ...groups, [Field.kernel]: Kernel.winogradInput },
        areas: { [Field.input]: drafts.read(op, op.inputs[0]), [Field.output]: transformed },
      });
      drafts.push(op, `${name}_product`, {
        words: {
          ...words,
          [Field.kernel]: Kernel.winogradProduct,
          [Field.pieces]: points * Math.ceil(panels / panelsPerPiece),
          [WinogradField.panelsPerPiece]: panelsPerPiece,
        },
        areas: { [Field.input]: transformed, [Field.output]: products },
        weights,
      });
      drafts.push(op, `${name}_output`, {
        words: { ...groups, [Field.kernel]: Kernel.winogradOutput },
        areas: drafts.places(op, products),
        weights,
        macs: 0,
      });
    },
  };
}
