import { type BrowserImage, type Classifier, loadClassifier } from "resnet-edge";
import { Camera } from "./camera.js";
import { bundledModel, keepModel, keptModels, readModel } from "./kept-models.js";
import { Pictures } from "./pictures.js";
import { keepSettings, readSettings, type Settings } from "./settings.js";
import { find, View } from "./view.js";

/** Set by the build: the bundled model's file and its SHA-256. */
declare const MODEL: { readonly file: string; readonly sha256: string };

const PICTURE_MS = 2500;
/** A model file is read into memory whole. */
const MOST_MODEL_BYTES = 2 ** 30;
/** Errors that say that a model is at fault, and not what it was shown. */
const MODEL_FAULTS = ["NumericError", "WorkerError", "WasmError", "ShapeError", "UnsupportedModelError"];
/** `?pace=free`: as many answers as the device gives, not as many as the camera has pictures. For trials of days in minutes. */
const free = new URLSearchParams(location.search).get("pace") === "free";

const view = new View();
const video = find<HTMLVideoElement>("video");
const canvas = find<HTMLCanvasElement>("picture");
const deviceSelect = find<HTMLSelectElement>("device");
const modelSelect = find<HTMLSelectElement>("model");
let troubled = false;
const camera = new Camera(video, (trouble) => {
  // A camera that is well takes back what it said, and nothing else.
  if (trouble || troubled) view.notice(trouble);
  troubled = trouble !== null;
});
const pictures = new Pictures(canvas);

/** For whoever watches over a kiosk: answers given and failed, and the last times in ms. */
const diagnostics = { frames: 0, failed: 0, ms: new Float32Array(4096), wasmBytes: 0, gpuBytes: 0 };
Object.assign(globalThis, { kiosk: diagnostics });

let classifier: Classifier<BrowserImage> | null = null;
let source: "camera" | "pictures" = "camera";
let paused = false;
/** Wakes the loop when something was chosen that it need not wait for. */
let wake: () => void = () => {};

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

/** The choice that gave an answer last: what goes on when another fails. */
let lastGood: Settings = { device: "auto", model: "" };
let loading: Promise<void> = Promise.resolve();

/** Loads what the controls say, after what is being loaded; what ran before goes on until the new one is ready. */
function load(): Promise<void> {
  loading = loading.then(loadChosen);
  return loading;
}

const chosen = (): Settings => ({ device: deviceSelect.value as Settings["device"], model: modelSelect.value });

async function loadChosen(): Promise<void> {
  const { device, model } = chosen();
  try {
    let bytes = model ? await readModel(model) : null;
    if (model && !bytes) {
      view.notice("That model is no longer here, or is damaged: choose its file again. The bundled one runs.");
      listModels("");
    }
    bytes ??= await bundledModel(MODEL.file, MODEL.sha256);
    const next = await loadClassifier(bytes, { device });
    const before = classifier;
    classifier = next;
    view.doubts("");
    await before?.close();
    keepSettings({ device, model: modelSelect.value });
  } catch (error) {
    view.notice(`${nameOf(model)}: ${(error as Error).message}`);
    if (classifier) return;
    // With nothing to go on with: the usual device first, and then the bundled model.
    if (device === "gpu") deviceSelect.value = "auto";
    else if (model) listModels("");
    else return;
    await loadChosen();
  }
}

const nameOf = (model: string) =>
  [...modelSelect.options].find(({ value }) => value === model)?.text ?? "A model that is gone";

/** Goes back to what gave an answer last, where a model fails in use. */
async function fallBack(error: Error): Promise<void> {
  const failed = chosen();
  const notice = `${nameOf(failed.model)} failed: ${error.message}`;
  // What failed once more than it answered is not trusted again.
  if (lastGood.model === failed.model && lastGood.device === failed.device) lastGood = { device: "auto", model: "" };
  deviceSelect.value = lastGood.device;
  listModels(lastGood.model);
  await load();
  view.notice(`${notice} ${nameOf(modelSelect.value)} goes on.`);
}

function listModels(chosen: string): void {
  const [bundled] = modelSelect.options;
  const options = keptModels().map(({ name, sha256 }) => new Option(name, sha256));
  modelSelect.replaceChildren(bundled!, ...options);
  modelSelect.value = options.some(({ value }) => value === chosen) ? chosen : "";
}

/** One answer. A failure is said, and the next one is tried: nobody stands beside a kiosk to restart it. */
async function step(): Promise<void> {
  const start = performance.now();
  const used = classifier!;
  try {
    const file = source === "camera" ? null : pictures.next();
    const before = performance.now();
    // Classified before it is drawn: the library refuses what is too large to be decoded.
    const predictions = await used.classify(file ?? video, { topK: 5 });
    const now = performance.now();
    if (file) await pictures.show(file);
    view.answer(predictions, file ? canvas : video);
    if (used === classifier) lastGood = chosen();
    diagnostics.ms[diagnostics.frames++ % diagnostics.ms.length] = now - before;
    report(now - before, now);
  } catch (caught) {
    const error = caught as Error;
    // One that was replaced meanwhile is closed, which is no failure.
    if (used !== classifier && error.name === "ClosedError") return;
    diagnostics.failed++;
    // What stood there was said of another picture.
    view.waiting("No answer");
    if (source === "pictures") pictures.clear();
    if (MODEL_FAULTS.includes(error.name)) await fallBack(error);
    else view.notice(source === "pictures" ? pictures.complaint(error) : error.message);
    await pause(1000);
  }
  if (source === "pictures") await pause(Math.max(0, PICTURE_MS - (performance.now() - start)));
}

let reported = 0;
let counted = 0;
/** Twice a second is as often as anyone can read. */
function report(ms: number, now: number): void {
  if (now - reported < 500) return;
  const { stats, plan } = classifier!;
  const devices = [...new Set(plan.stages.map(({ device }) => device.toUpperCase()))].join(" and ");
  const threads = stats.threads > 1 ? `, ${stats.threads} threads` : "";
  const rate = reported === 0 ? 0 : (1000 * (diagnostics.frames - counted)) / (now - reported);
  const text = `${plan}\n${stats.kernels}\n${stats.threads} thread(s): ${stats.threadsReason}`;
  view.doubts(classifier!.doubts.join(" "));
  view.facts(devices + threads, ms, rate, text);
  diagnostics.wasmBytes = stats.wasmBytes;
  diagnostics.gpuBytes = stats.gpuBytes;
  reported = now;
  counted = diagnostics.frames;
}

async function run(): Promise<never> {
  for (;;) {
    if (!classifier || paused || document.hidden || (source === "camera" && !camera.live)) {
      await pause(200);
      continue;
    }
    if (source === "camera" && !free) await camera.nextFrame();
    await step();
  }
}

function use(next: typeof source): void {
  source = next;
  video.hidden = next !== "camera";
  canvas.hidden = next === "camera";
  find("camera").setAttribute("aria-pressed", String(next === "camera"));
  view.notice(null);
  if (next === "camera") camera.start();
  else camera.stop();
  wake();
}

function choose(files: Iterable<File>): void {
  if (pictures.take(files)) use("pictures");
  else view.notice("There is no picture among these files.");
}

find("camera").addEventListener("click", () => use("camera"));
for (const id of ["pictures", "folder"]) {
  const input = find<HTMLInputElement>(id);
  input.addEventListener("change", () => choose(input.files ?? []));
}
find("pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  (currentTarget as HTMLElement).setAttribute("aria-pressed", String(paused));
  wake();
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer?.files ?? []);
});
deviceSelect.addEventListener("change", load);
modelSelect.addEventListener("change", load);
find<HTMLInputElement>("file").addEventListener("change", async ({ currentTarget }) => {
  const [file] = (currentTarget as HTMLInputElement).files ?? [];
  if (!file) return;
  try {
    if (file.size > MOST_MODEL_BYTES) throw new Error(`${file.name} is larger than any model that runs here.`);
    // Read first: what is no model is not kept.
    const bytes = await file.arrayBuffer();
    await (await loadClassifier(bytes.slice(0), { device: "cpu" })).close();
    const { sha256 } = await keepModel(file.name, bytes);
    listModels(sha256);
    await load();
  } catch (error) {
    view.notice((error as Error).message);
  }
});

const { settings, damaged } = readSettings();
deviceSelect.value = settings.device;
listModels(settings.model);
// Asked for at once: answers come when the model has, and a kiosk that is not asked twice keeps what it stores.
navigator.storage?.persist?.();
navigator.serviceWorker?.register("./service-worker.js");
use("camera");
if (damaged) view.notice("The kiosk's settings were damaged: the usual ones stand in.");
load().then(run);
