// The whole way in a page: rows of one library, and one engine at a time on many pictures. Started by bench/pipeline-browser.mjs.
import { median } from "../../src/base/median.js";
import type { Classifier } from "../../src/entry/page.js";
import { medianOf } from "./median.js";

/** Tells the one that measures cores that loading is over. */
declare const begin: () => Promise<void>;

const MODEL = "/model.safetensors";
const CAMERA_MS = 5000;
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
  // What a page without work has on this machine, for comparison.
  const quiet = Math.max(...(await heldBy(() => new Promise((resolve) => setTimeout(resolve, 40)))));
  const held = Math.max(...(await heldBy(() => classifier.classify(middle))));
  const decoder = await medianOf(9, async () => (await createImageBitmap(large)).close());
  const whole = await medianOf(9, () => classifier.classify(large));
  const camera = await rateOf(classifier);
  const after = await medianOf(21, run);
  const alone = 1000 / after;
  await classifier.close();
  await model.close();
  return {
    ...{ inference, beyond, held, quiet, pageLarge: whole / (decoder + inference) },
    camera: camera / alone,
    cameraAnswers: `camera: ${camera.toFixed(1)} answers a second, ${alone.toFixed(1)} by inference alone`,
  };
}

/** For each of several runs how long the page's thread had no turn at most, in ms. */
async function heldBy(act: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < 11; turn++) {
    let [longest, last, over] = [0, performance.now(), false];
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      if (!over) port2.postMessage(null);
    };
    port2.postMessage(null);
    await act();
    over = true;
    port1.close();
    found.push(longest);
  }
  return found;
}

/** Answers a second of a camera of 1280x720. */
async function rateOf(classifier: Classifier): Promise<number> {
  const wanted = { width: 1280, height: 720, frameRate: { ideal: 60 } };
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
  document.body.append(video);
  await video.play();
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
  await Promise.resolve(watching).catch(() => {});
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
