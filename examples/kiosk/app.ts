import { type BrowserImage, type Classifier, loadClassifier, type Prediction } from "resnet-edge";
import { Camera } from "./camera.js";
import { History } from "./history.js";
import { bundledModel, forgetModel, keepModel, keptModels, MissingModel, readModel } from "./kept-models.js";
import { keepLabels, type Labels, labelsOf, MOST_LABELS_BYTES, parseLabels } from "./labels.js";
import { Operator } from "./operator.js";
import { Pictures } from "./pictures.js";
import { Results } from "./results.js";
import { saveFile } from "./save-file.js";
import { keepSettings, type Offer, readSettings, type Settings } from "./settings.js";
import { type Face, faceOf, type Situation } from "./states.js";
import { TeachPanel } from "./teach.js";
import { find, setText, View } from "./view.js";

/** Set by the build: the bundled model's file and its SHA-256. */
declare const MODEL: { readonly file: string; readonly sha256: string };

const PICTURE_MS = 2500;
/** A model file is read into memory whole. */
const MOST_MODEL_BYTES = 2 ** 30;
/** A model that neither loads nor runs is tried again after so long. */
const RETRY_MS = 10_000;
const IMAGENET_CLASSES = 1000;
/** Errors that say that a model is at fault, and not what it was shown. */
const MODEL_FAULTS = ["NumericError", "WorkerError", "WasmError", "ShapeError", "UnsupportedModelError"];
/** `?pace=free`: as many answers as the device gives, not as many as the camera has pictures. For trials of days in minutes. */
const free = new URLSearchParams(location.search).get("pace") === "free";

const view = new View(remember);
const history = new History(find("history"));
const results = new Results();
const operator = new Operator();
const video = find<HTMLVideoElement>("video");
const deviceSelect = find<HTMLSelectElement>("device");
const modelSelect = find<HTMLSelectElement>("model");
const labelsSelect = find<HTMLSelectElement>("labels");
const sureRange = find<HTMLInputElement>("sure");
const offerBoxes = [...find("offers").querySelectorAll("input")];
let troubled = false;
const camera = new Camera(video, (trouble, state) => {
  // A camera that is well takes back what it said, and nothing else.
  if (trouble || troubled) view.notice(trouble, true);
  troubled = trouble !== null;
  change({ camera: state, ...(state !== "live" && situation.mode === "camera" && { answer: null }) });
});
const pictures = new Pictures();
const teaching = new TeachPanel({
  async backbone() {
    const model = modelSelect.value;
    // What was taught is taught on: its own backbone is a better ground than itself.
    const key = keptModels().find(({ sha256 }) => sha256 === model)?.backbone ?? model;
    const bytes = key ? await readModel(key) : null;
    return bytes ? { key, bytes } : { key: "", bytes: await bundledModel(MODEL.file, MODEL.sha256) };
  },
  look: () => (camera.live ? video : null),
  onTaught: useTaught,
  onForgotten: forgetTaught,
});

/** For those who watch over a kiosk: answers given and failed, and the last times in ms. */
const diagnostics = { frames: 0, failed: 0, ms: new Float32Array(4096), wasmBytes: 0, gpuBytes: 0 };
Object.assign(globalThis, { kiosk: diagnostics });

let classifier: Classifier<BrowserImage> | null = null;
let situation: Situation = {
  mode: "camera",
  model: "loading",
  camera: "off",
  pictureFailed: false,
  answer: null,
  sureFrom: 0.5,
  classes: 0,
  paused: false,
};
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

/** Everything that people see follows from the situation. */
function change(part: Partial<Situation>): void {
  situation = { ...situation, ...part };
  const { mode, answer, pictureFailed } = situation;
  const face = faceOf(situation);
  const isTeaching = mode === "teach";
  find("answer").hidden = isTeaching;
  find("teach").hidden = !isTeaching;
  teaching.hasCamera = situation.camera === "live";
  if (mode === "pictures") view.look(pictureFailed || !answer ? null : "picture");
  else view.look(situation.camera === "live" && face.tone !== "trouble" ? "video" : null);
  view.show(face, answer, mode === "pictures" ? pictures.shown : "");
}

interface Running {
  readonly device: Settings["device"];
  readonly model: string;
  /** What the model is called, for as long as it runs: its row may be gone from the list. */
  readonly name: string;
}
/** What answers now. The controls say what is wanted, which may still be loading, or have failed to. */
let running: Running = { device: "auto", model: "", name: "" };
/** What gave an answer last, and goes on when another fails. */
let lastGood: Pick<Running, "device" | "model"> = { device: "auto", model: "" };
/** Whether the bundled model on the usual device, which all else falls back to, has not failed in use since its last answer. */
let trusted = true;
let loading: Promise<boolean> = Promise.resolve(true);
let retry = 0;

/** Loads what the controls say, after what is being loaded; what ran before goes on until the new one is ready. False where it failed. */
function load(): Promise<boolean> {
  loading = loading.then(loadChosen);
  return loading;
}

const chosen = () => ({ device: deviceSelect.value as Settings["device"], model: modelSelect.value });

async function loadChosen(): Promise<boolean> {
  const { device, model } = chosen();
  clearTimeout(retry);
  try {
    let bytes = model ? await readModel(model) : null;
    // The bundled one stands in for a model that is gone.
    const runs = bytes ? model : "";
    if (model && !bytes) {
      view.notice("That model is no longer here, or is damaged: choose its file again. The bundled one runs.");
      listModels("");
    }
    bytes ??= await bundledModel(MODEL.file, MODEL.sha256, (share) => view.progress(share, "Fetching the model"));
    const labels = labelsOf(runs);
    const next = await loadClassifier(bytes, {
      device,
      ...(labels && { labels }),
      onProgress({ loaded, total }) {
        view.progress(total > 0 ? loaded / total : undefined, "Preparing the model");
      },
    });
    const before = classifier;
    classifier = next;
    running = { device, model: runs, name: nameOf(runs) };
    view.doubts("");
    view.preprocess = next.preprocess;
    change({ model: trusted ? "ready" : "failed", classes: next.labels?.length ?? 0, answer: null });
    showLabels(labels);
    await before?.close();
    keep();
    return true;
  } catch (error) {
    const isMissing = error instanceof MissingModel;
    if (!isMissing || classifier) view.notice(`${nameOf(model)}: ${(error as Error).message}`);
    if (classifier) {
      showRunning({ device, model });
      return false;
    }
    // With nothing to go on with: the file's labels and the usual device first, and then the bundled model.
    const { name } = error as Error;
    if (!isMissing && name === "OptionError" && labelsOf(model)) keepLabels(model, undefined);
    else if (!isMissing && device === "gpu") deviceSelect.value = "auto";
    else if (!isMissing && model) listModels("");
    else {
      change({ model: isMissing ? "missing" : "failed" });
      retry = window.setTimeout(load, RETRY_MS);
      return false;
    }
    return loadChosen();
  } finally {
    view.progress(null);
  }
}

/** The controls say again what runs, unless something else was chosen since the one that failed. */
function showRunning(failed: Pick<Running, "device" | "model">): void {
  const { device, model } = chosen();
  if (device !== failed.device || model !== failed.model) return;
  deviceSelect.value = running.device;
  listModels(running.model);
}

const nameOf = (model: string) =>
  [...modelSelect.options].find(({ value }) => value === model)?.text ?? "A model that is gone";

/** Goes back to what gave an answer last, where a model fails in use. */
async function fallBack(error: Error): Promise<void> {
  const failed = running;
  const notice = `${failed.name} failed: ${error.message}`;
  // What failed once more than it answered is not trusted again.
  if (lastGood.model === failed.model && lastGood.device === failed.device) lastGood = { device: "auto", model: "" };
  if (failed.model === "" && failed.device === "auto") trusted = false;
  deviceSelect.value = lastGood.device;
  listModels(lastGood.model);
  await load();
  view.notice(`${notice} ${running.name} goes on.`);
}

function listModels(chosen: string): void {
  const [bundled] = modelSelect.options;
  const options = keptModels().map(({ name, sha256 }) => new Option(name, sha256));
  modelSelect.replaceChildren(bundled!, ...options);
  modelSelect.value = options.some(({ value }) => value === chosen) ? chosen : "";
  find("forget").hidden = modelSelect.value === "";
}

/** Labels that can be chosen are those that fit. */
function showLabels(labels: Labels | undefined): void {
  const isOwn = Array.isArray(labels);
  const options = [new Option("The model's own", "file")];
  if (situation.classes === IMAGENET_CLASSES) options.push(new Option("ImageNet's 1,000", "imagenet"));
  if (isOwn) options.push(new Option("A text file's", "own"));
  labelsSelect.replaceChildren(...options);
  labelsSelect.value = labels === "imagenet" ? "imagenet" : isOwn ? "own" : "file";
}

/** Labels for the present model; what does not fit is said, and those before stay. */
async function useLabels(labels: Labels | undefined): Promise<void> {
  const model = modelSelect.value;
  const before = labelsOf(model);
  keepLabels(model, labels);
  if (await load()) return;
  keepLabels(model, before);
  showLabels(before);
}

async function takeLabels(file: File): Promise<void> {
  try {
    if (file.size > MOST_LABELS_BYTES) throw new Error(`${file.name} is larger than any list of labels: at most 1 MB.`);
    await useLabels(parseLabels(await file.text(), file.name));
  } catch (error) {
    view.notice((error as Error).message);
  }
}

async function takeModel(file: File): Promise<void> {
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
}

/** What was taught is a kept model like others, one for each backbone: the one before it goes. */
async function useTaught(labels: readonly string[], file: Uint8Array<ArrayBuffer>, backbone: string): Promise<void> {
  const older = keptModels().filter((it) => it.backbone === backbone);
  const { sha256 } = await keepModel(`Taught: ${labels.join(", ").slice(0, 60)}`, file.slice().buffer, backbone);
  listModels(sha256);
  if (!(await load())) throw new Error("What was learned does not run here.");
  for (const model of older) if (model.sha256 !== sha256) await forgetModel(model.sha256);
  listModels(sha256);
}

/** With what was taught goes what learned it: where that answers, its backbone does again. */
async function forgetTaught(backbone: string): Promise<void> {
  const taught = keptModels().filter((it) => it.backbone === backbone);
  for (const { sha256 } of taught) await forgetModel(sha256);
  const answers = taught.some(({ sha256 }) => sha256 === running.model);
  listModels(answers ? backbone : modelSelect.value);
  if (answers) await load();
}

/** One answer. A failure is said, and the next one is tried: nobody stands beside a kiosk to restart it. */
async function step(): Promise<void> {
  const start = performance.now();
  const used = classifier!;
  const { mode } = situation;
  try {
    const file = mode === "camera" ? null : pictures.next();
    const before = performance.now();
    // All classes, until it is known how many there are. Classified before it is drawn: the library refuses what is too large to be decoded.
    const predictions = await used.classify(file ?? video, {
      topK: situation.classes > 0 ? 5 : Number.MAX_SAFE_INTEGER,
    });
    const now = performance.now();
    if (situation.mode !== mode) return;
    if (file) await drawPicture(file);
    if (used === classifier) answered(predictions);
    diagnostics.ms[diagnostics.frames++ % diagnostics.ms.length] = now - before;
    report(now - before, now);
  } catch (caught) {
    const error = caught as Error;
    // One that was replaced meanwhile is closed, which is no failure.
    if (used !== classifier && error.name === "ClosedError") return;
    diagnostics.failed++;
    // What stood there was said of another picture.
    change({ answer: null, pictureFailed: mode === "pictures" });
    if (MODEL_FAULTS.includes(error.name)) await fallBack(error);
    else view.notice(mode === "pictures" ? pictures.complaint(error) : error.message);
    await pause(1000);
  }
  if (mode === "pictures") await pause(Math.max(0, PICTURE_MS - (performance.now() - start)));
}

function answered(predictions: readonly Prediction[]): void {
  lastGood = running;
  trusted = true;
  const isFirst = situation.classes === 0;
  const classes = isFirst ? predictions.filter(({ index }) => index >= 0).length : situation.classes;
  change({ answer: predictions, pictureFailed: false, model: "ready", classes });
  if (isFirst) showLabels(labelsOf(running.model));
}

async function drawPicture(file: File): Promise<void> {
  const bitmap = await createImageBitmap(file);
  view.draw(bitmap, file.name);
  bitmap.close();
}

/** An answer that has stood for a while is history, and a result. */
function remember({ state }: Face, { label, score }: Prediction): void {
  const time = new Date();
  const shown = view.shown;
  if (shown) history.add(label, time, ...shown);
  results.add({
    time,
    source: situation.mode === "pictures" ? pictures.name : "camera",
    label,
    score,
    kind: state === "none" || state === "unsure" ? state : "sure",
    model: running.name,
  });
  showCount();
}

function showCount(): void {
  const { count } = results;
  setText(find("count"), count === 0 ? "Nothing yet." : `${count} answer${count === 1 ? "" : "s"} since the start.`);
  find("csv").hidden = count === 0;
  find("clear").hidden = count === 0;
  find("seen").hidden = history.count === 0 || !isOffered("seen");
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
    const { mode, paused } = situation;
    if (!classifier || paused || mode === "teach" || document.hidden || (mode === "camera" && !camera.live)) {
      await pause(200);
      continue;
    }
    if (mode === "camera" && !free) await camera.nextFrame();
    // The camera may have gone meanwhile.
    if (situation.mode === mode && (mode !== "camera" || camera.live)) await step();
  }
}

function use(mode: Situation["mode"]): void {
  find("camera").setAttribute("aria-pressed", String(mode === "camera"));
  view.notice(null);
  // However it is left: what it learns with has a worker of its own.
  if (situation.mode === "teach" && mode !== "teach") teaching.close();
  change({ mode, answer: null, pictureFailed: false });
  if (mode === "pictures") camera.stop();
  else camera.start();
  showOffers();
  wake();
}

function choose(files: Iterable<File>): void {
  if (pictures.take(files)) use("pictures");
  else view.notice("There is no picture among these files.");
}

function togglePause(): void {
  change({ paused: !situation.paused });
  for (const id of ["pause", "visitor-pause"]) find(id).setAttribute("aria-pressed", String(situation.paused));
  wake();
}

const isOffered = (offer: Offer) => offerBoxes.some(({ value, checked }) => value === offer && checked);

/** What visitors see and may do: what the operator ticked, and only while it does something. */
function showOffers(): void {
  for (const { value, checked } of offerBoxes) document.body.classList.toggle(`no-${value}`, !checked);
  const isTeaching = situation.mode === "teach";
  find("visitor-pictures").hidden = !isOffered("pictures");
  find("visitor-camera").hidden = !isOffered("pictures") || situation.mode !== "pictures";
  find("visitor-pause").hidden = !isOffered("pause");
  find("visitors").hidden = isTeaching || !(isOffered("pictures") || isOffered("pause"));
  showCount();
}

function keep(): void {
  keepSettings({
    ...chosen(),
    sure: Number(sureRange.value),
    offers: offerBoxes.filter(({ checked }) => checked).map(({ value }) => value as Offer),
  });
}

function setSure(): void {
  setText(find("sure-said"), `${sureRange.value} %`);
  change({ sureFrom: Number(sureRange.value) / 100 });
}

const showNetwork = () => setText(find("network"), navigator.onLine ? "There" : "None, and none is needed");

for (const id of ["camera", "visitor-camera"]) find(id).addEventListener("click", () => use("camera"));
for (const input of document.querySelectorAll<HTMLInputElement>("#pictures, #folder, #visitor-pictures input")) {
  input.addEventListener("change", () => {
    choose([...(input.files ?? [])]);
    // The same files may be chosen again.
    input.value = "";
  });
}
for (const id of ["pause", "visitor-pause"]) find(id).addEventListener("click", togglePause);
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const files = [...(event.dataTransfer?.files ?? [])];
  // Models and labels are the operator's.
  const [first] = operator.isOpen ? files : [];
  if (first?.type === "text/plain") takeLabels(first);
  else if (first && !first.type.startsWith("image/")) takeModel(first);
  else choose(files);
});
deviceSelect.addEventListener("change", load);
modelSelect.addEventListener("change", () => {
  find("forget").hidden = modelSelect.value === "";
  load();
});
labelsSelect.addEventListener("change", () => {
  if (labelsSelect.value !== "own") useLabels(labelsSelect.value === "imagenet" ? "imagenet" : undefined);
});
for (const [id, take] of [["file", takeModel] as const, ["labels-file", takeLabels] as const]) {
  const input = find<HTMLInputElement>(id);
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    if (file) await take(file);
    input.value = "";
  });
}
find("forget").addEventListener("click", async () => {
  await forgetModel(modelSelect.value);
  listModels("");
  await load();
});
for (const box of offerBoxes) {
  box.addEventListener("change", () => {
    showOffers();
    keep();
  });
}
sureRange.addEventListener("input", setSure);
sureRange.addEventListener("change", keep);
find("csv").addEventListener("click", () => saveFile("seen.csv", results.csv(), "text/csv"));
find("clear").addEventListener("click", () => {
  results.clear();
  history.clear();
  showCount();
});
find("teach-open").addEventListener("click", () => {
  operator.close();
  use("teach");
  find("class-name").focus();
  teaching.open();
});
find("teach-close").addEventListener("click", () => {
  use("camera");
});
for (const kind of ["online", "offline"]) addEventListener(kind, showNetwork);
addEventListener("online", () => {
  if (!classifier) load();
});

const { settings, damaged } = readSettings();
deviceSelect.value = settings.device;
sureRange.value = String(settings.sure);
for (const box of offerBoxes) box.checked = settings.offers.includes(box.value as Offer);
listModels(settings.model);
showNetwork();
setSure();
// Asked for at once: answers come when the model has, and a kiosk that is not asked twice keeps what it stores.
navigator.storage?.persist?.();
navigator.serviceWorker?.register("./service-worker.js");
use("camera");
if (damaged) view.notice("The kiosk's settings were damaged: the usual ones stand in.");
load();
run();
