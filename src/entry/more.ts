// What few pages call of a classifier: it comes when it is first called.

import { onAbort } from "../base/abort.js";
import { inOrder } from "../base/in-order.js";
import { checkFields, unknown } from "../base/nearest.js";
import type { Platform } from "../base/platform.js";
import { ClosedError, OptionError, throwIfAborted } from "../errors.js";
import type { ClassifyOptions, Prediction, StreamOptions, WatchOptions } from "../options.js";
import type { Classifier, StreamAnswer } from "./model.js";

/** Pictures of a stream that are under way, unless stated. */
const AHEAD = 4;
/** Frames of a video that are under way: one is classified, the next lies ready. */
const FRAMES = 2;

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

type Classify<Image> = (image: Image, options: ClassifyOptions) => Promise<Prediction[]>;

/**
 * `classify` among some of the classes: all scores are asked for, and those of other classes are left out. Throws `OptionError` for
 * a class that there is not.
 */
export function among<Image>(
  classify: Classify<Image>,
  labels: readonly string[] | null,
  options: ClassifyOptions,
): (image: Image) => Promise<Prediction[]> {
  const { allow, deny, renormalise, topK = 5, minScore, ...rest } = options;
  if (!(topK >= 1)) throw new OptionError(`topK is ${topK}; it must be at least 1.`);
  const allowed = allow && indicesOf(allow, labels, "allow");
  const denied = indicesOf(deny ?? [], labels, "deny");
  return async (image) => {
    const answer = await classify(image, { ...rest, topK: Number.POSITIVE_INFINITY });
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
  classify: Classify<Image>,
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
      return { image, predictions: await classify(image, { ...options, signal: over.signal }), error: null };
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

/**
 * Classifies a video's frames until `signal` is aborted. While two frames are under way the others are dropped, so that answers never
 * lag; the promise rejects with the first error.
 */
export function watch(
  classifier: Pick<Classifier<unknown>, "classify">,
  video: Platform<"HTMLVideoElement">,
  watchOptions: WatchOptions,
): Promise<void> {
  checkFields(watchOptions, [...classifyFields, "maxRate", "smooth", "onAnswer"], "watch option");
  const { signal, maxRate = Number.POSITIVE_INFINITY, smooth = 0, onAnswer, ...options } = watchOptions;
  if (!(maxRate > 0)) throw new OptionError(`maxRate is ${maxRate}; it must be frames a second, above 0.`);
  if (!(smooth >= 0 && smooth < 1)) throw new OptionError(`smooth is ${smooth}; it must be from 0, and below 1.`);
  if (typeof onAnswer !== "function") throw new OptionError("watch needs onAnswer, a function.");
  const average = smooth > 0 ? averaging(smooth, options) : null;
  return new Promise((resolve, reject) => {
    const source = framesOf(video);
    let underWay = 0;
    let dropped = 0;
    let due = Number.NEGATIVE_INFINITY;
    const end = (settle: () => void) => {
      source.cancel();
      signal?.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = () => end(resolve);
    const one = async (time: number) => {
      underWay++;
      try {
        const all = { ...options, signal, ...(average && { topK: Number.POSITIVE_INFINITY, minScore: undefined }) };
        const predictions = (await classifier.classify(video, all)) as Prediction[];
        if (!signal?.aborted) onAnswer(average ? average(predictions) : predictions, { time, dropped });
        dropped = 0;
      } catch (error) {
        if (!signal?.aborted) end(() => reject(error));
      }
      underWay--;
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    else {
      source.each((now, time) => {
        if (now < due) return;
        if (underWay >= FRAMES) dropped++;
        else {
          // A little early is on time: frames come a millisecond sooner or later.
          due = now + 1000 / maxRate - 2;
          one(time);
        }
      });
    }
  });
}

/** The frames of a video as it shows them; every animation frame, where a browser does not tell. */
function framesOf(video: Platform<"HTMLVideoElement">) {
  let handle = 0;
  let ended = false;
  const isTold: boolean = "requestVideoFrameCallback" in video;
  return {
    each(onFrame: (now: number, time: number) => void): void {
      let last = -1;
      const next = (now: number, frame?: { mediaTime: number }) => {
        if (ended) return;
        const time = frame?.mediaTime ?? video.currentTime;
        ask();
        if (isTold || (time !== last && video.readyState >= 2)) onFrame(now, time);
        last = time;
      };
      const ask = () => {
        handle = isTold ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
      };
      ask();
    },
    cancel(): void {
      ended = true;
      if (isTold) video.cancelVideoFrameCallback(handle);
      else cancelAnimationFrame(handle);
    },
  };
}

/** An exponential average of every class's score: `smooth` is what a frame keeps of those before it. */
function averaging(smooth: number, { topK = 5, minScore = 0 }: ClassifyOptions) {
  let scores: Map<number, number> | null = null;
  return (predictions: readonly Prediction[]): Prediction[] => {
    const before = scores;
    const averaged = predictions.map((it) => {
      const past = before?.get(it.index);
      return past === undefined ? it : { ...it, score: smooth * past + (1 - smooth) * it.score };
    });
    scores = new Map(averaged.map(({ index, score }) => [index, score]));
    return averaged
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, topK)
      .filter(({ score }) => score >= minScore);
  };
}
