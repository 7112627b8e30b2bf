import type { Platform } from "../base/platform.js";
import { OptionError } from "../errors.js";
import type { Crop } from "../image/crop.js";
import { frameOf } from "../image/frame-of.js";
import type { CropSpec } from "../image/preprocess.js";
import type { ClassifyOptions, Prediction, WatchOptions } from "../options.js";
import { averaging } from "./averaging.js";
import { framesOf } from "./frames.js";
import { Pace } from "./pace.js";
import { FrameReader } from "./reader.js";

/** Frames of a video that are under way: one is classified, the next lies ready. */
const FRAMES = 2;
/** Ms by which the next frame is there before the answer to the one before: what messages and timers may be late. */
const LEAD_MS = 8;

/** What watches, of a classifier. */
export interface Watcher {
  classify(image: Platform<"HTMLVideoElement"> | Crop, options: ClassifyOptions): Promise<Prediction[]>;
  readonly preprocess: CropSpec;
  readonly plan: { readonly stages: readonly { readonly device: string }[] };
}

/** A frame that waits: `now` it was shown. */
interface Held {
  readonly frame: VideoFrame;
  readonly now: number;
  readonly time: number;
}

/**
 * Classifies a video's frames until `signal` is aborted; rejects with the first error. Of the frames that come while one is classified the
 * newest is kept, and read shortly before the answer, so that the next answer neither waits nor lags. A GPU reads frames itself.
 */
export function watchFrames(
  classifier: Watcher,
  video: Platform<"HTMLVideoElement">,
  watchOptions: WatchOptions,
  startReader: typeof FrameReader.start = FrameReader.start,
): Promise<void> {
  const { signal, maxRate = Number.POSITIVE_INFINITY, smooth = 0, onAnswer, ...options } = watchOptions;
  if (!(maxRate > 0)) throw new OptionError(`maxRate is ${maxRate}; it must be frames a second, above 0.`);
  if (!(smooth >= 0 && smooth < 1)) throw new OptionError(`smooth is ${smooth}; it must be from 0, and below 1.`);
  if (typeof onAnswer !== "function") throw new OptionError("watch needs onAnswer, a function.");
  const average = smooth > 0 ? averaging(smooth, options) : null;
  const { region, rotation, ...ofCrops } = options;
  return new Promise((resolve, reject) => {
    const source = framesOf(video);
    const pace = new Pace();
    let reader: FrameReader | null | undefined;
    let held: Held | null = null;
    let reading = false;
    /** Ms that reading a frame takes. */
    let readMs = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let dropped = 0;
    let due = Number.NEGATIVE_INFINITY;
    let ended = false;

    /** Closes what beside the classifier reads frames, and the frame that waits for it. */
    const closeReader = () => {
      held?.frame.close();
      held = null;
      reader?.close();
      reader = null;
    };
    const end = (settle: () => void) => {
      ended = true;
      source.cancel();
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      closeReader();
      settle();
    };
    const onAbort = () => end(resolve);

    const classify = async (image: Parameters<Watcher["classify"]>[0], options: ClassifyOptions, time: number) => {
      pace.sent(performance.now());
      try {
        const all = { ...options, signal, ...(average && { topK: Number.POSITIVE_INFINITY, minScore: undefined }) };
        const predictions = await classifier.classify(image, all);
        pace.answered(performance.now());
        if (ended) return;
        onAnswer(average ? average(predictions) : predictions, { time, dropped });
        dropped = 0;
        next();
      } catch (error) {
        if (!ended) end(() => reject(error));
      }
    };
    /** A little early is on time: frames come a millisecond sooner or later. */
    const taken = (now: number) => {
      due = now + 1000 / maxRate - 2;
    };

    /** Reads the frame that is held once the answer before it is near. */
    const next = () => {
      clearTimeout(timer);
      if (!held || reading || pace.underWay >= FRAMES || ended) return;
      const wait = pace.left(performance.now()) - LEAD_MS - 2 * readMs;
      if (wait > 0) timer = setTimeout(next, wait);
      else read(held);
    };
    const read = async ({ frame, now, time }: Held) => {
      held = null;
      reading = true;
      taken(now);
      const begun = performance.now();
      const crop = await reader!.read(frame);
      reading = false;
      readMs += (performance.now() - begun - readMs) / 4;
      if (ended) return;
      if (crop) {
        classify(crop, ofCrops, time);
        next();
      } else doWithout(time);
    };
    /** Frames go to the model's worker, which says what is wrong with them: first the newest one, which the video still shows. */
    const doWithout = (time: number) => {
      const newest = held?.time ?? time;
      if (held) dropped++;
      closeReader();
      classifyShown(newest);
    };
    const classifyShown = (time: number) => {
      if (pace.underWay >= FRAMES) dropped++;
      else classify(video, options, time);
    };

    /** What the reader may have of the video; null where the classifier is to read it. */
    const frameForReader = (): VideoFrame | null => {
      // The first answer waits for no other worker.
      if (reader === null || (!reader && pace.underWay === 0)) return null;
      if (classifier.plan.stages[0]?.device === "gpu") return null;
      try {
        reader ??= startReader(classifier.preprocess, region || rotation ? { region, rotation } : undefined);
        return frameOf(video);
      } catch {
        reader ??= null;
        return null;
      }
    };

    const onFrame = (now: number, time: number) => {
      if (now < due) return;
      const frame = frameForReader();
      if (frame) {
        if (held) dropped++;
        held?.frame.close();
        held = { frame, now, time };
        next();
      } else {
        if (pace.underWay < FRAMES) taken(now);
        classifyShown(time);
      }
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    else source.each(onFrame);
  });
}
