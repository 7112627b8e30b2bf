import { Field, Kernel, WinogradField } from "../../../assembly/shared/record.js";
import {
  ASIDE,
  BLOCKS,
  CHUNK,
  CHUNK_PLANE,
  POINTS,
  planeBytes,
  productPlane,
  rowPointerBytes,
  SLICE,
  STRIDE2_PHASES,
  STRIDE2_POINTS,
  TURN_FILTERS,
  WORK,
} from "../../../assembly/shared/sizes.js";
import { panelForm } from "../pack/panels.js";
import type { AreaWords } from "../program/drafts.js";
import { groupsOf, inTwos, PIECES_PER_THREAD } from "./group.js";
import { type ConvKernel, geometry } from "./kernel.js";
import { gridOf, winogradWords } from "./winograd-grid.js";

/** Winograd tiles that share a filter while it is transformed: so many at most, and so few at least. */
const MOST_TILES = 64;
const LEAST_TILES = 12;

/**
 * F(4x4,3x3), and its like over the phases of a stride of 2, on the direct kernel's weights: filters are made as they are needed.
 * Small images are few tiles, which threads share by panels; then V is the image's.
 */
export const lean = winogradLean(1);
export const strided = winogradLean(2);

function winogradLean(stride: 1 | 2): ConvKernel {
  const name = `f32_conv3x3s${stride}_winograd4_lean`;
  const [inPlanes, outPlanes] = stride === 2 ? [STRIDE2_PHASES ** 2, STRIDE2_POINTS ** 2] : [POINTS, POINTS];
  return {
    name,
    fits: (op, network) => geometry(op, network) === `value,3,3,${stride},${stride},1,1,1`,
    lower(drafts, op) {
      const { threads } = drafts.options;
      const output = drafts.shape(op.output);
      const [inStep, outStep] = drafts.pixelSteps(op);
      const panels = Math.ceil(outStep / 8);
      const [tilesHigh, tilesWide] = gridOf(output, 4);
      const { size, count, ...groups } = groupsOf(tilesHigh * tilesWide, LEAST_TILES, MOST_TILES, threads, inTwos);
      // With rows that only fill a block.
      const most = Math.ceil(groups.most / 4) * 4;
      const apart = threads > 1 && count < 4 * threads;
      const perPiece = apart ? 4 * Math.max(1, Math.floor(panels / (8 * PIECES_PER_THREAD * threads))) : panels;
      const turnsBytes = inPlanes * 4 * most * inStep;
      const tables = rowPointerBytes(most) + BLOCKS + ASIDE;
      // A chunk's rows, or else the transforms' intermediate.
      const work = tables + Math.max(most * CHUNK * 4, WORK);
      const own = apart ? 0 : inPlanes * planeBytes(most, inStep);
      const products = outPlanes * productPlane(most);
      // Filters of a chunk, products and V; or, in turns, V in their order, and then a slice of V or else two turns' filters and products.
      const chunks = POINTS * CHUNK_PLANE + 2 * products + own;
      const slice = WORK + inPlanes * planeBytes(most, SLICE);
      const turns = 2 * TURN_FILTERS + products;
      drafts.needScratch(work + Math.max(chunks, apart ? turns : turnsBytes + Math.max(slice, turns)));
      const words = { ...winogradWords(drafts, op, 4), [WinogradField.tilesPerGroup]: size };
      // One cache line more for each point, where V is in the tiles' order.
      const shared: AreaWords = apart
        ? { [WinogradField.transformed]: drafts.area(inPlanes * planeBytes(count * most, inStep)) }
        : {};
      if (apart) {
        const pieces = Math.max(most / 4, Math.ceil(inStep / SLICE));
        drafts.needScratch(tables + slice);
        drafts.push(op, `${name}_input`, {
          words: {
            ...words,
            [Field.kernel]: Kernel.winogradLeanInput,
            [Field.pieces]: count * pieces,
            [WinogradField.piecesPerGroup]: pieces,
          },
          areas: { [Field.input]: drafts.read(op, op.inputs[0]), [Field.output]: shared[WinogradField.transformed]! },
        });
      }
      drafts.push(op, name, {
        words: {
          ...words,
          [Field.kernel]: Kernel.winogradLean,
          [Field.pieces]: count * Math.ceil(panels / perPiece),
          [WinogradField.panelsPerPiece]: perPiece,
        },
        areas: { ...drafts.places(op), ...shared },
        weights: drafts.addWeights(op, { form: panelForm, taps: 9 }),
      });
    },
  };
}
