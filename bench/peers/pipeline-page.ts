// The whole way in a page: rows of one library, and one engine at a time on many pictures. Started by bench/pipeline-browser.mjs.
import { median } from "../../src/base/median.js";
import type { Classifier } from "../../src/entry/page.js";
import { medianOf } from "./median.js";

/** Tells the one that measures cores that loading is over. */
declare const begin: () => Promise<void>;
/** Ms of the page's longest task between them. */
declare const traceBegin: () => Promise<void>;
declare const traceEnd: () => Promise<number>;

const MODEL = "/model.safetensors";
const CAMERA_MS = 1000;
const CAMERA_TURNS = 15;
const blobOf = async (path: string) => (await fetch(path)).blob();
/** Not written out, so that no bundler looks for it. */
const from = (path: string) => import(/* @vite-ignore */ path);

async function library(): Promise<typeof import("../../src/entry/index.js")> {
  return from("/dist/index.js");
}

async function measureRows() {
  const { loadClassifier, loadModel } = await library();
  const options = { device: "cpu", threads: 1 } as const;
  const [classifier, model] = [await loadClassifier(MODEL, options), await loadModel(MODEL, options)];
  const [middle, large] = [await blobOf("/middle.jpg"), await blobOf("/large.jpg")];
  const input = new Float32Array(3 * 224 * 224).fill(0.5);
  const run = () => model.run(input);
  // In turns: machines have phases.
  const [inferences, wholes]: number[][] = [[], []];
  for (let turn = 0; turn < 5; turn++) {
    inferences!.push(await medianOf(9, run));
    wholes!.push(await medianOf(9, () => classifier.classify(middle)));
  }
  const inference = median(inferences!);
  const beyond = median(wholes!.map((whole, turn) => whole - inferences![turn]!));
  await traceBegin();
  for (let turn = 0; turn < 11; turn++) await classifier.classify(middle);
  const held = await traceEnd();
  const decoder = await medianOf(9, async () => (await createImageBitmap(large)).close());
  const whole = await medianOf(9, () => classifier.classify(large));
  const camera = tellCamera(await cameraOf(classifier, run));
  await classifier.close();
  await model.close();
  return {
    ...{ inference, beyond, held, pageLarge: whole / (decoder + inference) },
    ...camera,
  };
}

/**
 * A camera of 1280x720: of each turn the answers a second, and beside them the inferences a second while its video plays as well, which
 * takes a core where there is no GPU. Turns are short and many, since machines have phases; the first one does not count.
 */
async function cameraOf(classifier: Classifier, run: () => Promise<unknown>) {
  const wanted = { width: 1280, height: 720, frameRate: { ideal: 60 } };
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
  document.body.append(video);
  await video.play();
  const [answers, inferences, ages]: number[][] = [[], [], []];
  for (let turn = 0; turn <= CAMERA_TURNS; turn++) {
    const watched = await answersOf(classifier, video);
    const [begun, until] = [performance.now(), performance.now() + CAMERA_MS];
    let count = 0;
    for (; performance.now() < until; count++) await run();
    if (turn === 0) continue;
    answers!.push(watched.rate);
    ages!.push(...watched.ages);
    inferences!.push((1000 * count) / (performance.now() - begun));
  }
  for (const track of (video.srcObject as MediaStream).getTracks()) track.stop();
  video.remove();
  return { answers: answers!, inferences: inferences!, ages: ages! };
}

/** Answers a second, and how many ms after its frame was shown each of them came. */
async function answersOf(classifier: Classifier, video: HTMLVideoElement) {
  const ends = new AbortController();
  const ages: number[] = [];
  const shown = new Map<number, number>();
  const note: VideoFrameRequestCallback = (now, { mediaTime }) => {
    shown.set(mediaTime, now);
    if (!ends.signal.aborted) video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  let [count, first, last] = [0, 0, 0];
  const watching = classifier.watch(video, {
    signal: ends.signal,
    onAnswer: (_, { time }) => {
      last = performance.now();
      ages.push(last - shown.get(time)!);
      if (count++ === 0) first = last;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, CAMERA_MS));
  ends.abort();
  await watching;
  return { rate: (1000 * (count - 1)) / (last - first), ages };
}

/** The value below which that part of all lies. */
function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))]!;
}

function tellCamera({ answers, inferences, ages }: Awaited<ReturnType<typeof cameraOf>>) {
  const ratios = answers.map((rate, turn) => rate / inferences[turn]!);
  const percent = (part: number) => (100 * quantile(ratios, part)).toFixed(0);
  const [rate, alone] = [median(answers).toFixed(1), median(inferences).toFixed(1)];
  return {
    camera: median(ratios),
    cameraAnswers: [
      `camera, ${ratios.length} turns: ${rate} answers a second, ${alone} by inference alone`,
      `middle half of the ratios ${percent(0.25)} to ${percent(0.75)} %`,
      `an answer comes ${median(ages).toFixed(0)} ms after its frame was shown, nine in ten within ${quantile(ages, 0.9).toFixed(0)}`,
    ].join("; "),
  };
}

interface Engine {
  /** The index of the best class. */
  classify(picture: Blob): Promise<number>;
}

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  async "resnet-edge"() {
    const classifier = await (await library()).loadClassifier(MODEL, { device: "cpu" });
    return { classify: async (picture) => (await classifier.classify(picture, { topK: 1 }))[0]!.index };
  },
  async "transformers.js"() {
    const { env, pipeline, RawImage } = await from("/peers/@huggingface/transformers/dist/transformers.web.js");
    Object.assign(env, {
      allowRemoteModels: false,
      allowLocalModels: true,
      localModelPath: "/",
      useBrowserCache: false,
    });
    env.backends.onnx.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
    const classify = await pipeline("image-classification", "whole", { dtype: "fp32", device: "wasm" });
    return {
      classify: async (picture) => Number((await classify(await RawImage.fromBlob(picture), { top_k: 1 }))[0].label),
    };
  },
  async MediaPipe() {
    const { FilesetResolver, ImageClassifier } = await from("/peers/@mediapipe/tasks-vision/vision_bundle.mjs");
    const files = await FilesetResolver.forVisionTasks("/peers/@mediapipe/tasks-vision/wasm");
    const classifier = await ImageClassifier.createFromOptions(files, {
      baseOptions: { modelAssetPath: "/whole/model.tflite", delegate: "CPU" },
      maxResults: 1,
      runningMode: "IMAGE",
    });
    return {
      async classify(picture) {
        const bitmap = await createImageBitmap(picture);
        const { classifications } = classifier.classify(bitmap);
        bitmap.close();
        return classifications[0].categories[0].index;
      },
    };
  },
};

/** One engine on all pictures, one after the other: ms a picture, after three that do not count. */
async function measureEngine(name: string, paths: readonly string[]) {
  const engine = await engines[name]!();
  const pictures = await Promise.all(paths.map(blobOf));
  for (const picture of pictures.slice(0, 3)) await engine.classify(picture);
  await begin();
  const best: number[] = [];
  const start = performance.now();
  for (const picture of pictures) best.push(await engine.classify(picture));
  const all = performance.now() - start;
  return { ms: all / pictures.length, best, seconds: all / 1000 };
}

Object.assign(globalThis, { measureRows, measureEngine });
