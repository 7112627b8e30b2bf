import { type BrowserImage, type Classifier, loadClassifier } from "resnet-edge";
import { Camera } from "./camera.js";
import { bundledModel, keepModel, keptModels, readModel } from "./kept-models.js";
import { Pictures } from "./pictures.js";
import { find, View } from "./view.js";

/** Set by the build: the bundled model's file and its SHA-256. */
declare const MODEL: { readonly file: string; readonly sha256: string };

const PICTURE_MS = 2500;
const SETTINGS = "kiosk-settings";
/** `?pace=free`: as many answers as the device gives, not as many as the camera has pictures. For trials of days in minutes. */
const free = new URLSearchParams(location.search).get("pace") === "free";

const view = new View();
const video = find<HTMLVideoElement>("video");
const canvas = find<HTMLCanvasElement>("picture");
const deviceSelect = find<HTMLSelectElement>("device");
const modelSelect = find<HTMLSelectElement>("model");
const camera = new Camera(video, (trouble) => view.notice(trouble));
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

/** Loads what the controls say; what ran before goes on until the new one is ready. */
async function load(): Promise<void> {
  const device = deviceSelect.value as "auto" | "cpu" | "gpu";
  const wanted = modelSelect.value;
  try {
    let bytes = wanted ? await readModel(wanted) : null;
    if (wanted && !bytes) {
      view.notice("That model is no longer here, or is damaged: choose its file again. The bundled one runs.");
      listModels("");
    }
    bytes ??= await bundledModel(MODEL.file, MODEL.sha256);
    const next = await loadClassifier(bytes, { device });
    const before = classifier;
    classifier = next;
    await before?.close();
    localStorage.setItem(SETTINGS, JSON.stringify({ device, model: modelSelect.value }));
  } catch (error) {
    view.notice((error as Error).message);
    if (!classifier && device === "gpu") {
      deviceSelect.value = "auto";
      await load();
    }
  }
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
  try {
    const shown = source === "camera" ? video : await pictures.show();
    const before = performance.now();
    const predictions = await classifier!.classify(shown, { topK: 5 });
    const now = performance.now();
    view.answer(predictions, source === "camera" ? video : canvas);
    diagnostics.ms[diagnostics.frames++ % diagnostics.ms.length] = now - before;
    report(now - before, now);
  } catch (error) {
    diagnostics.failed++;
    view.notice((error as Error).message);
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

const settings = JSON.parse(localStorage.getItem(SETTINGS) ?? "{}") as { device?: string; model?: string };
if (settings.device) deviceSelect.value = settings.device;
listModels(settings.model ?? "");
// Asked for at once: answers come when the model has, and a kiosk that is not asked twice keeps what it stores.
navigator.storage?.persist?.();
navigator.serviceWorker?.register("./service-worker.js");
use("camera");
load().then(run);
