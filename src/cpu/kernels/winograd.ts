import { Field, Kernel } from "../../../assembly/shared/record.js";
import {
  ASIDE,
  BLOCKS,
  CHUNK,
  CHUNK_PLANE,
  LINE,
  POINTS,
  PRODUCT_STEP,
  planeBytes,
  rowPointerBytes,
  SLICE,
  STRIDE2_PHASES,
  STRIDE2_POINTS,
  TURN_FILTERS,
  WORK,
  winogradWorkBytes,
} from "../../../assembly/shared/sizes.js";
import { opMacs } from "../../graph/macs.js";
import type { ConvOp, ValueShape } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { type Drafts, PIECES_PER_THREAD, type Words } from "../program/drafts.js";
import { groupsOf, inOnes, inTwos } from "./group.js";

/** V and M of a group of Winograd tiles should stay in a core's second-level cache beside a part of the weights. */
const WINOGRAD_SCRATCH_BYTES = 500 * 1024;
/** But groups may have so many tiles: of fewer, weights are read too often. */
const FEW_TILES = 13;
/** Threads take groups of at least `LEAST_TILES`, where each has `WINOGRAD_TILES` of them, or else share each phase. */
const WINOGRAD_TILES = 12;
const LEAST_TILES = 8;
/** Winograd tiles that share a filter while it is transformed: so many at most, and so few at least. */
const LEAN_TILES = 16;
const LEAST_LEAN_TILES = 12;

export function winograd(drafts: Drafts, op: ConvOp, outputTile: 4 | 2): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const inStep = paddedChannels(input.channels);
  const outStep = paddedChannels(output.channels);
  const { tiles } = gridOf(output, outputTile);
  const points = (outputTile + 2) ** 2;
  const panels = Math.ceil(outStep / 8);
  const planes = (count: number) => points * (planeBytes(count, inStep) + planeBytes(count, outStep));
  const form = outputTile === 4 ? "winograd4" : "winograd2";
  const weights = drafts.addWeights(op.weight, op.bias, form, inStep, 9, 1, outStep, points * panels * inStep * 32);
  const words = commonWords(drafts, op, outputTile);
  const places = drafts.places(op);
  const name = `f32_conv3x3s1_${form}`;
  const { threads } = drafts.options;
  if (threads === 1 || tiles >= threads * WINOGRAD_TILES) {
    const fitting = Math.floor(WINOGRAD_SCRATCH_BYTES / (points * 4 * (inStep + outStep)));
    const { size, count, most } = groupsOf(tiles, LEAST_TILES, Math.max(fitting, FEW_TILES), threads, inOnes);
    drafts.needScratch(winogradWorkBytes(most, inStep) + planes(most));
    drafts.push({
      step: drafts.step(op, name, opMacs(op, output)),
      words: { ...words, [Field.kernel]: Kernel.winograd, [Field.tiles]: count, [Field.rowsPerTile]: size },
      ...places,
      weights,
    });
    return;
  }
  const transformed = drafts.area(points * planeBytes(tiles, inStep));
  const products = drafts.area(points * planeBytes(tiles, outStep));
  const rowsPerTile = Math.max(1, Math.floor(tiles / (PIECES_PER_THREAD * drafts.options.threads)));
  const panelsPerTile = Math.max(1, Math.ceil(panels / 2));
  drafts.needScratch(winogradWorkBytes(tiles, inStep));
  const pieces = Math.ceil(tiles / rowsPerTile);
  drafts.push({
    step: drafts.step(op, `${name}_input`),
    words: { ...words, [Field.kernel]: Kernel.winogradInput, [Field.tiles]: pieces, [Field.rowsPerTile]: rowsPerTile },
    input: places.input,
    transformed,
  });
  drafts.push({
    step: drafts.step(op, `${name}_product`, opMacs(op, output)),
    words: {
      ...words,
      [Field.kernel]: Kernel.winogradProduct,
      [Field.tiles]: points * Math.ceil(panels / panelsPerTile),
      [Field.panelsPerTile]: panelsPerTile,
    },
    transformed,
    products,
    weights,
  });
  drafts.push({
    step: drafts.step(op, `${name}_output`),
    words: { ...words, [Field.kernel]: Kernel.winogradOutput, [Field.tiles]: pieces, [Field.rowsPerTile]: rowsPerTile },
    products,
    output: places.output,
    residual: places.residual,
    weights,
  });
}

/** On the direct kernel's weights. Small images are few tiles, which threads share by panels; then V is the image's. */
export function winogradLean(drafts: Drafts, op: ConvOp): void {
  const { threads } = drafts.options;
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const inStep = paddedChannels(input.channels);
  const outStep = paddedChannels(output.channels);
  const { tiles } = gridOf(output, 4);
  const panels = Math.ceil(outStep / 8);
  const { size, count, ...groups } = groupsOf(tiles, LEAST_LEAN_TILES, LEAN_TILES, threads, inTwos);
  // With rows that only fill a block.
  const most = Math.ceil(groups.most / 4) * 4;
  const weights = drafts.addWeights(op.weight, op.bias, "panels", inStep, 9, 1, outStep, panels * 9 * inStep * 32);
  const apart = threads > 1 && count < 4 * threads;
  const perPiece = apart ? 4 * Math.max(1, Math.floor(panels / (8 * PIECES_PER_THREAD * threads))) : panels;
  const strided = op.stride[0] === 2;
  const [inPlanes, outPlanes] = strided ? [STRIDE2_PHASES ** 2, STRIDE2_POINTS ** 2] : [POINTS, POINTS];
  const turnsBytes = inPlanes * 4 * most * inStep;
  // One cache line more for each point, where V is in the tiles' order.
  const transformed = apart ? drafts.area(inPlanes * planeBytes(count * most, inStep)) : undefined;
  const words = commonWords(drafts, op, 4);
  const tables = rowPointerBytes(most) + BLOCKS + ASIDE;
  // A chunk's rows, or else the transforms' intermediate.
  const work = tables + Math.max(most * CHUNK * 4, WORK);
  const own = apart ? 0 : inPlanes * planeBytes(most, inStep);
  const products = outPlanes * (PRODUCT_STEP * most + LINE);
  // Filters of a chunk, products and V; or, in turns, V in their order, and then a slice of V or else two turns' filters and products.
  const chunks = POINTS * CHUNK_PLANE + 2 * products + own;
  const slice = WORK + inPlanes * planeBytes(most, SLICE);
  const turns = 2 * TURN_FILTERS + products;
  drafts.needScratch(work + Math.max(chunks, apart ? turns : turnsBytes + Math.max(slice, turns)));
  const name = `f32_conv3x3s${strided ? 2 : 1}_winograd4_lean`;
  if (apart) {
    const pieces = Math.max(most / 4, Math.ceil(inStep / SLICE));
    drafts.needScratch(tables + slice);
    drafts.push({
      step: drafts.step(op, `${name}_input`),
      words: {
        ...words,
        [Field.kernel]: Kernel.winogradLeanInput,
        [Field.tiles]: count * pieces,
        [Field.rowsPerTile]: size,
        [Field.panelsPerTile]: pieces,
      },
      input: drafts.read(op, op.inputs[0]),
      transformed: transformed!,
    });
  }
  drafts.push({
    step: drafts.step(op, name, opMacs(op, output)),
    words: {
      ...words,
      [Field.kernel]: Kernel.winogradLean,
      [Field.tiles]: count * Math.ceil(panels / perPiece),
      [Field.rowsPerTile]: size,
      [Field.panelsPerTile]: perPiece,
    },
    ...drafts.places(op),
    transformed,
    weights,
  });
}

/** Fields that the records of every form of Winograd have. */
function commonWords(drafts: Drafts, op: ConvOp, outputTile: 4 | 2): Words {
  const output = drafts.shape(op.output);
  const { tilesHigh, tilesWide } = gridOf(output, outputTile);
  return {
    [Field.relu]: op.relu ? 1 : 0,
    ...drafts.image(op),
    [Field.padHeight]: op.padding[0],
    [Field.padWidth]: op.padding[1],
    [Field.strideHeight]: op.stride[0],
    [Field.panels]: Math.ceil(paddedChannels(output.channels) / 8),
    [Field.outputTile]: outputTile,
    [Field.tilesWide]: tilesWide,
    [Field.tilesHigh]: tilesHigh,
  };
}

/** Winograd tiles of `outputTile` pixels a side that cover an image. */
function gridOf({ height, width }: ValueShape, outputTile: number) {
  const tilesHigh = Math.ceil(height / outputTile);
  const tilesWide = Math.ceil(width / outputTile);
  return { tilesHigh, tilesWide, tiles: tilesHigh * tilesWide };
}
