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
const CAMERA_MS = 1500;
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
  const { camera, alone } = await rateOf(classifier, run);
  await classifier.close();
  await model.close();
  return {
    ...{ inference, beyond, held, pageLarge: whole / (decoder + inference) },
    camera: camera / alone,
    cameraAnswers: `camera: ${camera.toFixed(1)} answers a second, ${alone.toFixed(1)} by inference alone`,
  };
}

/**
 * Answers a second of a camera of 1280x720, and inferences a second while its video plays as well, which takes a core where there is no GPU:
 * medians of turns.
 */
async function rateOf(classifier: Classifier, run: () => Promise<unknown>): Promise<{ camera: number; alone: number }> {
  const wanted = { width: 1280, height: 720, frameRate: { ideal: 60 } };
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
  document.body.append(video);
  await video.play();
  const [answers, inferences]: number[][] = [[], []];
  for (let turn = 0; turn < 5; turn++) {
    answers!.push(await answersOf(classifier, video));
    const [begun, until] = [performance.now(), performance.now() + CAMERA_MS];
    let count = 0;
    for (; performance.now() < until; count++) await run();
    inferences!.push((1000 * count) / (performance.now() - begun));
  }
  return { camera: median(answers!), alone: median(inferences!) };
}

async function answersOf(classifier: Classifier, video: HTMLVideoElement): Promise<number> {
  const ends = new AbortController();
  let [count, first, last] = [0, 0, 0];
  const watching = classifier.watch(video, {
    signal: ends.signal,
    onAnswer: () => {
      last = performance.now();
      if (count++ === 0) first = last;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, CAMERA_MS));
  ends.abort();
  await watching;
  return (1000 * (count - 1)) / (last - first);
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
