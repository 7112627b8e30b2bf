import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { watch } from "../../src/entry/more.js";
import type { Prediction, WatchOptions } from "../../src/options.js";
import type { FrameReader } from "../../src/watch/reader.js";
import { watchFrames } from "../../src/watch/watch.js";

/** A video that shows a frame at each call of `show`. */
function fakeVideo() {
  const waiting = new Map<number, (now: number, frame: { mediaTime: number }) => void>();
  let last = 0;
  const video = {
    videoWidth: 4,
    videoHeight: 3,
    at: 0,
    requestVideoFrameCallback: (callback: (now: number, frame: { mediaTime: number }) => void) => {
      waiting.set(++last, callback);
      return last;
    },
    cancelVideoFrameCallback: (handle: number) => waiting.delete(handle),
  };
  const show = (now: number) => {
    const callbacks = [...waiting.values()];
    waiting.clear();
    video.at = now;
    for (const callback of callbacks) callback(now, { mediaTime: now / 1000 });
  };
  return { video: video as never, show, waiting };
}
const one = (score: number): Prediction[] => [
  { index: 0, label: "a", score },
  { index: 1, label: "b", score: 1 - score },
];
/** What the classifier says of itself. */
const facts = { plan: { stages: [{ device: "cpu" }] }, preprocess: { resize: 2, crop: 2 } };

describe("frames that the classifier reads", () => {
  test("two are under way, the others are dropped; it ends with the signal", async () => {
    const { video, show, waiting } = fakeVideo();
    const answers: ((predictions: Prediction[]) => void)[] = [];
    const classify = () => new Promise<Prediction[]>((resolve) => answers.push(resolve));
    const stop = new AbortController();
    const told: unknown[] = [];
    const watching = watch({ classify, ...facts } as never, video, {
      signal: stop.signal,
      onAnswer: ([best], frame) => told.push([best!.label, frame]),
    });
    for (let frame = 0; frame < 5; frame++) show(frame * 33);
    expect(answers).toHaveLength(2);
    answers[0]!(one(0.9));
    await sleep(1);
    show(165);
    expect(answers).toHaveLength(3);
    expect(told).toEqual([["a", { time: 0, dropped: 3 }]]);
    stop.abort();
    await watching;
    expect(waiting.size).toBe(0);
    answers[1]!(one(0.9));
    await sleep(1);
    expect(told).toHaveLength(1);
  });

  test("maxRate, smooth, and an error", async () => {
    const { video, show } = fakeVideo();
    let score = 1;
    let asked = 0;
    const classify = async () => {
      asked++;
      if (score < 0) throw new Error("broken");
      return one(score);
    };
    const told: number[] = [];
    const watching = watch({ classify, ...facts } as never, video, {
      maxRate: 10,
      smooth: 0.75,
      onAnswer: (predictions) => told.push(predictions.find(({ index }) => index === 0)!.score),
    });
    for (let frame = 0; frame < 30; frame++) {
      show((frame * 1000) / 30);
      await sleep(1);
      score = 0;
    }
    expect(asked).toBe(10);
    expect(told.slice(0, 3)).toEqual([1, 0.75, 0.5625]);
    score = -1;
    show(2000);
    await expect(watching).rejects.toThrow("broken");
    expect(() => watch({ classify, ...facts } as never, video, { maxRate: 0, onAnswer() {} })).toThrow(/maxRate is 0/);
    expect(() => watch({ classify, ...facts } as never, video, { smooth: 1, onAnswer() {} })).toThrow(/smooth is 1/);
  });
});

describe("frames that are read beside the classifier", () => {
  const MS = 40;
  let open: Set<FakeFrame>;
  class FakeFrame {
    readonly format = "I420";
    readonly visibleRect = { width: 4, height: 3 };
    readonly [side: string]: unknown;
    readonly at: number;
    constructor(video: { at: number }) {
      Object.assign(this, { displayWidth: 4, displayHeight: 3 });
      this.at = video.at;
      open.add(this);
    }
    close() {
      open.delete(this);
    }
  }
  beforeEach(() => {
    open = new Set();
    vi.stubGlobal("VideoFrame", FakeFrame);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  interface Setting extends Partial<WatchOptions> {
    /** Ms that one answer takes. */
    ms?: number;
    /** Of this and later frames nothing is read. */
    blindFrom?: number;
    /** Ms that the reader takes for a frame. */
    readMs?: number;
    device?: string;
  }

  /** A model's worker that answers after `ms`, one after the other, and a reader beside it. */
  function begin({
    ms = MS,
    readMs = 2,
    blindFrom = Number.POSITIVE_INFINITY,
    device = "cpu",
    ...options
  }: Setting = {}) {
    const { video, show } = fakeVideo();
    let free = 0;
    /** Of each image the moment when the worker could begin it, and whether it lay there then. */
    const begun: { crop: number | null; waited: number; asked: object }[] = [];
    const classify = async (image: object, asked: object) => {
      const now = performance.now();
      begun.push({ crop: "crop" in image ? (image.crop as number) : null, waited: Math.max(0, now - free), asked });
      free = Math.max(now, free) + ms;
      await new Promise((resolve) => setTimeout(resolve, free - now));
      return one(0.9);
    };
    const reader = {
      read: async (frame: FakeFrame) => {
        const { at } = frame;
        await new Promise((resolve) => setTimeout(resolve, readMs));
        frame.close();
        return at >= blindFrom ? null : { crop: at };
      },
      close: vi.fn(),
    };
    const start = vi.fn(() => reader);
    const told: { time: number; dropped: number; age: number }[] = [];
    const onAnswer: WatchOptions["onAnswer"] = (_, frame) =>
      void told.push({ ...frame, age: performance.now() - 1000 * frame.time });
    const classifier = { classify, ...facts, plan: { stages: [{ device }] } };
    const watching = watchFrames(
      classifier as never,
      video,
      { onAnswer, ...options },
      start as unknown as typeof FrameReader.start,
    );
    /** The video of 60 frames a second goes on for so long. */
    const play = async (frames: number) => {
      for (let frame = 0; frame < frames; frame++) {
        show(performance.now());
        await vi.advanceTimersByTimeAsync(1000 / 60);
      }
    };
    return { play, begun, told, reader, start, watching };
  }

  test("a slow worker always has the next frame, and no old one", async () => {
    const { play, begun, told } = begin();
    const from = performance.now();
    await play(180);
    // The first ones tell how long an answer takes.
    const settled = begun.slice(12);
    expect(settled.length).toBeGreaterThan(50);
    expect(settled.every(({ crop }) => crop !== null)).toBe(true);
    expect(Math.max(...settled.map(({ waited }) => waited))).toBe(0);
    expect(told.length).toBeGreaterThanOrEqual(Math.floor((performance.now() - from) / MS) - 2);
    // An answer's own time, a frame's, and what reading and messages may take.
    expect(Math.max(...told.slice(12).map(({ age }) => age))).toBeLessThan(MS + 1000 / 60 + 14);
    const all = told.reduce((sum, { dropped }) => sum + dropped + 1, 0);
    expect(all).toBeLessThanOrEqual(180);
    expect(all).toBeGreaterThan(170);
    expect(open.size).toBeLessThanOrEqual(1);
  });

  test("a fast worker answers every frame", async () => {
    const { play, told } = begin({ ms: 3 });
    await play(60);
    expect(told.length).toBeGreaterThanOrEqual(58);
    expect(told.every(({ dropped }) => dropped === 0)).toBe(true);
  });

  test("an abort leaves no frame open, and no worker", async () => {
    const stop = new AbortController();
    const { play, reader, watching, told } = begin({ signal: stop.signal });
    await play(30);
    // One waits for its turn, or is being read.
    while (open.size === 0) await play(1);
    stop.abort();
    await watching;
    await vi.advanceTimersByTimeAsync(100);
    expect(open.size).toBe(0);
    expect(reader.close).toHaveBeenCalled();
    const { length } = told;
    await play(5);
    expect([open.size, told.length]).toEqual([0, length]);
  });

  test("maxRate holds for frames that are read beside it", async () => {
    const { play, begun } = begin({ ms: 3, maxRate: 10 });
    await play(120);
    expect(begun.length).toBeGreaterThanOrEqual(19);
    expect(begun.length).toBeLessThanOrEqual(21);
  });

  test("region and rotation are the reader's; all else is the classifier's", async () => {
    const region = { x: 0, y: 0, width: 2, height: 2 };
    const { play, begun, start } = begin({ region, rotation: 90, topK: 3 });
    await play(10);
    expect(start).toHaveBeenCalledExactlyOnceWith(facts.preprocess, { region, rotation: 90 });
    expect(begun[0]!.asked).toMatchObject({ region, topK: 3 });
    const read = begun.find(({ crop }) => crop !== null)!;
    expect(read.asked).toMatchObject({ topK: 3 });
    expect(read.asked).not.toHaveProperty("region");
  });

  // A reader whose file is missing says so when further frames have come.
  test.each([2, 100])("where the reader sees nothing after %i ms, the classifier reads on", async (readMs) => {
    const { play, begun, told, reader } = begin({ blindFrom: 0, readMs });
    await play(60);
    expect(begun.length).toBeGreaterThan(15);
    expect(begun.every(({ crop }) => crop === null)).toBe(true);
    expect(open.size).toBe(0);
    expect(reader.close).toHaveBeenCalledOnce();
    expect(told.length).toBeGreaterThan(15);
    // Every frame is answered, dropped, or among the last ones, which are not answered yet.
    const all = told.reduce((sum, { dropped }) => sum + dropped + 1, 0);
    expect(all).toBeGreaterThan(50);
    expect(all).toBeLessThanOrEqual(60);
  });

  test("the newest frame that came while the reader saw nothing is answered, though none follows", async () => {
    const { play, told } = begin({ blindFrom: 0, readMs: 100 });
    await play(5);
    const last = performance.now() - 1000 / 60;
    await vi.advanceTimersByTimeAsync(500);
    expect(told.at(-1)!.time).toBeCloseTo(last / 1000, 6);
  });

  test("a GPU reads frames itself", async () => {
    const gpu = begin({ device: "gpu" });
    await gpu.play(20);
    expect(gpu.start).not.toHaveBeenCalled();
    expect(gpu.begun.length).toBeGreaterThan(3);
  });
});
