// What few pages call of a classifier: it comes when it is first called.

import { onAbort } from "../base/abort.js";
import { inOrder } from "../base/in-order.js";
import { checkFields, unknown } from "../base/nearest.js";
import type { Platform } from "../base/platform.js";
import { ClosedError, OptionError, throwIfAborted } from "../errors.js";
import type { ClassifyOptions, Prediction, StreamOptions, WatchOptions } from "../options.js";
import { watchFrames } from "../watch/watch.js";
import type { Classifier, StreamAnswer } from "./model.js";

/** Pictures of a stream that are under way, unless stated. */
const AHEAD = 4;

/** Of `classify`, as the entries check them. */
const classifyFields: readonly (keyof ClassifyOptions)[] = [
  "topK",
  "minScore",
  "allow",
  "deny",
  "renormalise",
  "region",
  "rotation",
  "logits",
  "signal",
];

/** Who answers for one picture. */
interface Answers<Image> {
  classify(image: Image, options: ClassifyOptions): Promise<Prediction[]>;
}

/**
 * `classify` among some of the classes: all scores are asked for, and those of other classes are left out. Throws `OptionError` for
 * a class that there is not.
 */
export function among<Image>(
  session: Answers<Image> & { readonly labels: readonly string[] | null },
  options: ClassifyOptions,
): (image: Image) => Promise<Prediction[]> {
  const { allow, deny, renormalise, topK = 5, minScore, ...rest } = options;
  if (!(topK >= 1)) throw new OptionError(`topK is ${topK}; it must be at least 1.`);
  const allowed = allow && indicesOf(allow, session.labels, "allow");
  const denied = indicesOf(deny ?? [], session.labels, "deny");
  return async (image) => {
    const answer = await session.classify(image, { ...rest, topK: Number.POSITIVE_INFINITY });
    // A taught model's "none of these" is no class, and comes first whatever is allowed.
    const none = answer.filter(({ index }) => index < 0);
    const all = answer.filter(({ index }) => index >= 0);
    const stray = [...(allowed ?? []), ...denied].find((index) => index >= all.length);
    if (stray !== undefined) throw new OptionError(`There is no class ${stray}: there are ${all.length}.`);
    const chosen = all.filter(({ index }) => (allowed?.has(index) ?? true) && !denied.has(index));
    const sum = renormalise ? chosen.reduce((sum, { score }) => sum + score, 0) : 1;
    const scaled = sum > 0 && sum !== 1 ? chosen.map((it) => ({ ...it, score: it.score / sum })) : chosen;
    return [...none, ...scaled].filter(({ score }) => minScore === undefined || score >= minScore).slice(0, topK);
  };
}

function indicesOf(
  classes: readonly (string | number)[],
  labels: readonly string[] | null,
  option: "allow" | "deny",
): ReadonlySet<number> {
  if (!Array.isArray(classes)) throw new OptionError(`${option} must be a list of labels or indices of classes.`);
  const indices = classes.flatMap((it: string | number) => {
    if (typeof it === "number") {
      if (Number.isInteger(it) && it >= 0) return it;
      throw new OptionError(`${option} has ${it}; the index of a class is a whole number from 0.`);
    }
    if (!labels) throw new OptionError(`${option} has "${it}", but this model has no labels: give indices.`);
    // ImageNet has two classes of cranes, and of maillots.
    const found = labels.flatMap((label, index) => (label === it ? index : []));
    if (found.length === 0) throw unknown("class", String(it), labels.length > 20 ? nearestFew(it, labels) : labels);
    return found;
  });
  return new Set(indices);
}

/** Of many labels those that begin alike, so that a message names no thousand. */
function nearestFew(word: string, labels: readonly string[]): readonly string[] {
  const begin = word.slice(0, 2).toLowerCase();
  const alike = labels.filter((label) => label.toLowerCase().startsWith(begin));
  return alike.length > 0 ? alike.slice(0, 20) : labels.slice(0, 20);
}

/** The answers to pictures, in their order. A picture that fails has its error beside the others' answers; an abort or a close ends all. */
export async function* stream<Image>(
  classifier: Answers<Image>,
  images: Iterable<Image> | AsyncIterable<Image>,
  streamOptions: StreamOptions = {},
): AsyncGenerator<StreamAnswer<Image>, void, undefined> {
  checkFields(streamOptions, [...classifyFields, "ahead"], "stream option");
  const { ahead = AHEAD, ...options } = streamOptions;
  if (!(Number.isInteger(ahead) && ahead >= 1)) {
    throw new OptionError(`ahead is ${ahead}; it must be a whole number from 1.`);
  }
  const { signal } = options;
  const over = new AbortController();
  const forget = onAbort(signal, () => over.abort(signal!.reason));
  throwIfAborted(signal);
  const one = async (image: Image): Promise<StreamAnswer<Image>> => {
    try {
      return { image, predictions: await classifier.classify(image, { ...options, signal: over.signal }), error: null };
    } catch (error) {
      throwIfAborted(over.signal);
      if (error instanceof ClosedError || error instanceof OptionError) throw error;
      return { image, predictions: null, error: error as Error };
    }
  };
  try {
    for await (const answer of inOrder(images, ahead, one)) {
      yield answer;
      throwIfAborted(signal);
    }
  } finally {
    // What is still under way is nobody's any more.
    forget();
    over.abort();
  }
}

/** See `watchFrames`. */
export function watch(
  classifier: Classifier<unknown>,
  video: Platform<"HTMLVideoElement">,
  options: WatchOptions,
): Promise<void> {
  checkFields(options, [...classifyFields, "maxRate", "smooth", "onAnswer"], "watch option");
  return watchFrames(classifier, video, options);
}
