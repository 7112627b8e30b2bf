import { type BrowserImage, type Classifier, type LoadOptions, loadClassifier, type ModelSource } from "resnet-edge";
import { Camera } from "../kiosk/camera.js";
import { MOST_LABELS_BYTES, parseLabels } from "../kiosk/labels.js";
import { Answer } from "./answer.js";
import { compare } from "./compare.js";
import { find, Stage } from "./stage.js";
import { Teaching } from "./teaching.js";

/** Set by the build: names of the pictures in samples/, each with what is on it. */
declare const SAMPLES: readonly { readonly file: string; readonly name: string }[];
/** Set by the build: the bundled model's address on the site. */
declare const MODEL: string;

/** A model file is read into memory whole. */
const MOST_MODEL_BYTES = 2 ** 30;
const MOST_PICTURE_BYTES = 64 << 20;

const stage = new Stage();
const answer = new Answer();
const camera = new Camera(stage.video, (trouble) => answer.trouble(trouble));
const cameraButton = find<HTMLButtonElement>("camera");
const compareButton = find<HTMLButtonElement>("compare");

/** Undefined: the model that comes with the library. */
let source: ModelSource | undefined;
let labels: readonly string[] | undefined;
let modelName = "Bundled";
let classifier: Classifier | null = null;
let picture: Blob | null = null;
/** Of the picture that was asked for last: an older one's answer is not shown. */
let turn = 0;

/** A load that takes no longer is told by a word alone: to draw how far it is would make it take longer. */
const SOON_MS = 1000;

function options(): LoadOptions {
  const begin = performance.now();
  return {
    ...(labels && { labels }),
    onProgress({ phase, loaded, total }) {
      if (phase === "ready" || performance.now() - begin < SOON_MS) return;
      const text = phase === "fetch" ? "Fetching the model" : "Preparing the model";
      answer.waiting(text, total > 0 ? loaded / total : undefined);
    },
  };
}

/** Takes another model, or other labels; what ran before goes on where that fails. */
async function load(
  next: ModelSource | undefined,
  name: string,
  nextLabels: readonly string[] | undefined = undefined,
): Promise<void> {
  const before = { source, labels };
  [source, labels] = [next, nextLabels];
  answer.waiting("Loading the model");
  try {
    const loaded = await loadClassifier(source, options());
    await classifier?.close();
    classifier = loaded;
    modelName = name;
    stage.preprocess = loaded.preprocess;
    const classes = loaded.labels?.length;
    find("model-name").textContent = `${name}${classes ? `, ${classes} classes` : ", without labels"}`;
    find("bundled").hidden = source === undefined;
    answer.trouble(null);
    answer.waiting("");
    if (picture) await classify(picture);
  } catch (error) {
    ({ source, labels } = before);
    answer.waiting("");
    answer.trouble((error as Error).message);
  }
}

async function classify(image: BrowserImage): Promise<void> {
  if (!classifier) return;
  const mine = ++turn;
  try {
    const start = performance.now();
    const predictions = await classifier.classify(image, { topK: 5 });
    const ms = performance.now() - start;
    if (mine !== turn) return;
    answer.show(predictions, ms, classifier);
    if (image === picture) await explain(predictions[0]?.index ?? -1);
  } catch (error) {
    if (mine !== turn || (error as Error).name === "ClosedError") return;
    answer.clear();
    answer.trouble((error as Error).message);
  }
}

/** Where the class was seen, for a picture that stands still and a class that there is. */
async function explain(index: number): Promise<void> {
  const mine = turn;
  const wanted = find<HTMLInputElement>("why").checked && index >= 0 && picture;
  const map = wanted ? await classifier!.explain(wanted, { index }) : null;
  if (mine === turn) await stage.explain(map);
}

/** Shows a picture and asks what is on it. */
async function look(file: Blob, name: string): Promise<void> {
  stopCamera();
  try {
    if (file.size > MOST_PICTURE_BYTES) throw new Error(`${name} is larger than 64 MB: take a smaller copy.`);
    // The library's own reading says best what is wrong with a file.
    picture = file;
    compareButton.disabled = false;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap && picture === file) stage.show(bitmap, name);
    bitmap?.close();
    await classify(file);
  } catch (error) {
    answer.trouble((error as Error).message);
  }
}

function stopCamera(): void {
  camera.stop();
  cameraButton.setAttribute("aria-pressed", "false");
}

async function watch(): Promise<void> {
  cameraButton.setAttribute("aria-pressed", "true");
  camera.start();
  while (cameraButton.getAttribute("aria-pressed") === "true") {
    await camera.nextFrame();
    if (!camera.live || document.hidden) continue;
    stage.showVideo();
    await classify(stage.video);
  }
}

find<HTMLInputElement>("why").addEventListener("change", () => {
  if (picture) classify(picture);
});

cameraButton.addEventListener("click", () => {
  if (cameraButton.getAttribute("aria-pressed") === "true") stopCamera();
  else watch();
});

const take = (files: Iterable<File> | null | undefined) => {
  const [file] = files ?? [];
  if (file) look(file, file.name || "Pasted picture");
};
find<HTMLInputElement>("file").addEventListener("change", ({ currentTarget }) =>
  take((currentTarget as HTMLInputElement).files),
);
addEventListener("paste", ({ clipboardData }) => take(clipboardData?.files));
const box = find("stage");
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    box.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take((event as DragEvent).dataTransfer?.files);
  });
}

const thumbnails: (() => void)[] = [];
for (const { file, name } of SAMPLES) {
  const button = document.createElement("button");
  button.type = "button";
  const image = Object.assign(document.createElement("img"), { width: 120, height: 90, alt: name });
  thumbnails.push(() => {
    image.src = `samples/${file}`;
  });
  button.append(image);
  button.addEventListener("click", () => lookAtSample(file, name));
  const item = document.createElement("li");
  item.append(button);
  find("samples").append(item);
}

async function lookAtSample(file: string, name: string): Promise<void> {
  try {
    const response = await fetch(`samples/${file}`);
    if (!response.ok) throw new Error(`samples/${file} answered ${response.status}.`);
    await look(await response.blob(), name);
  } catch (error) {
    answer.trouble((error as Error).message);
  }
}

find<HTMLInputElement>("model-file").addEventListener("change", async ({ currentTarget }) => {
  const [file] = (currentTarget as HTMLInputElement).files ?? [];
  if (!file) return;
  if (file.size > MOST_MODEL_BYTES) answer.trouble(`${file.name} is larger than any model that runs here.`);
  else await load(file, file.name);
});
find<HTMLInputElement>("labels-file").addEventListener("change", async ({ currentTarget }) => {
  const [file] = (currentTarget as HTMLInputElement).files ?? [];
  if (!file) return;
  try {
    if (file.size > MOST_LABELS_BYTES) throw new Error(`${file.name} is larger than any list of labels: at most 1 MB.`);
    const lines = parseLabels(await file.text(), file.name);
    await load(source, modelName, lines);
  } catch (error) {
    answer.trouble((error as Error).message);
  }
});
find<HTMLFormElement>("address-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = find<HTMLInputElement>("address").value;
  load(address, address.split("/").at(-1) || address);
});
find("bundled").addEventListener("click", () => load(undefined, "Bundled"));

new Teaching(
  () => ({ backbone: source ?? MODEL, labels }),
  // What was taught is a model like any other: it answers in this page from here on.
  (file) => load(file, "Taught here"),
);

compareButton.addEventListener("click", async () => {
  compareButton.disabled = true;
  try {
    await compare(source, labels, picture!);
  } catch (error) {
    find("verdict").textContent = (error as Error).message;
  } finally {
    compareButton.disabled = false;
  }
});

const [first] = SAMPLES;
// The first picture is there before the model: the answer follows as soon as both are.
await Promise.all([load(undefined, "Bundled"), first && lookAtSample(first.file, first.name)]);
// What the first answer would wait for comes last; the service worker fetches the whole site.
for (const show of thumbnails) show();
navigator.serviceWorker?.register("./service-worker.js");
