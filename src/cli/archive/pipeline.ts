import { availableParallelism } from "node:os";
import { inOrder } from "../../base/in-order.js";
import { Room } from "../../base/room.js";
import { CropMemory } from "../../image/crop-memory.js";
import { allowDecoders, cropBytes, cropFile } from "../../image/decode-node.js";
import { type ListedImage, readListed } from "../images.js";
import type { Answer, Answering, Wanted } from "./answering.js";
import { type Stamp, stampOf } from "./stamp.js";
import { youngCollector } from "./young.js";

/** Addresses that are fetched at a time. */
const FETCHES = 8;

/** Milliseconds of a picture's way, each step's own. */
export interface Times {
  readonly decode: number;
  readonly preprocess: number;
  readonly inference: number;
}

/** What became of a picture. */
export interface Done {
  readonly image: ListedImage;
  /** Of its file, before it was read. */
  readonly stamp: Stamp | null;
  /** The encoded file, where it was fetched. */
  readonly fetched?: Uint8Array;
  readonly result: (Pick<Answer, "predictions" | "logits"> & { readonly ms: Times }) | { readonly error: unknown };
}

/**
 * Classifies pictures in their order. While some are answered, the next ones are read, decoded and cropped in other processes: in
 * one at first, and in as many more as it takes that nobody who could answer waits.
 */
export function classifyAll(
  images: readonly ListedImage[],
  answering: Answering,
  { load }: Wanted,
): AsyncGenerator<Done> {
  const spec = { ...answering.preprocess, fast: load.decode === "fast" };
  const cores = availableParallelism();
  const decoders = new Room(1);
  const fetches = new Room(FETCHES);
  const memory = new CropMemory();
  allowDecoders(cores);
  const cropped = ({ path, name }: ListedImage, fetched: Uint8Array | undefined) =>
    fetched
      ? cropBytes(fetched, spec, name, null, memory.take)
      : cropFile(path as string | Buffer, spec, name, null, memory.take);
  const collect = youngCollector();
  let coming = images.length;
  const one = async (image: ListedImage): Promise<Done> => {
    let stamp: Stamp | null = null;
    let answer: Promise<Answer> | undefined;
    try {
      if (image.error) throw image.error;
      const fetched = image.path instanceof URL ? await fetches.run(() => readListed(image)) : undefined;
      stamp = await stampOf(image);
      const { rgb, decodeMs, cropMs } = await decoders.run(() => cropped(image, fetched));
      answer = answering.answer(rgb);
      if (--coming === 0) answering.finish();
      const { inferenceMs, ...answered } = await answer;
      if (!memory.give(rgb) || fetched) collect();
      if (answering.isStarving) decoders.grow(Math.min(cores, decoders.size + 1));
      const ms = { decode: decodeMs, preprocess: cropMs, inference: inferenceMs };
      return { image, stamp, ...(fetched && { fetched }), result: { ...answered, ms } };
    } catch (error) {
      if (!answer && --coming === 0) answering.finish();
      return { image, stamp, result: { error } };
    }
  };
  const isRemote = images.some(({ path }) => path instanceof URL);
  // While all workers run their stacks, the next stacks' pictures are decoded. Files that are fetched are larger than crops, and are kept.
  const stacks = isRemote ? 1 : 2;
  const ahead = (2 + stacks * answering.depth) * answering.width + cores + (isRemote ? FETCHES : 0);
  return inOrder(images, ahead, one);
}
