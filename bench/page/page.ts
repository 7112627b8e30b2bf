import type { WorkerHandle } from "../../src/worker/handle/handle.js";
import { webWorker } from "../../src/worker/handle/web.js";
import type { FromWorker, ToWorker } from "./messages.js";
import type { DeviceDescription, Report } from "./report.js";
import { ReportBuilder } from "./report-builder.js";
import { fillForm, readForm } from "./settings.js";
import { cardPicture } from "./view/card-picture.js";
import { Devices } from "./view/devices.js";
import { copyText, download } from "./view/export.js";
import { duration } from "./view/format.js";
import { Results } from "./view/results.js";

function byId<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

const form = byId<HTMLFormElement>("settings");
const fields = byId<HTMLFieldSetElement>("fields");
const setup = byId<HTMLDetailsElement>("setup");
const ready = byId("ready");
const deviceName = byId<HTMLInputElement>("device-name");
const start = byId<HTMLButtonElement>("start");
const stop = byId<HTMLButtonElement>("stop");
const copy = byId<HTMLButtonElement>("copy");
const save = byId<HTMLButtonElement>("save");
const estimate = byId("estimate");
const status = byId("status");
const detail = byId("detail");
const failure = byId("failure");
const copied = byId("copied");
const bar = byId<HTMLProgressElement>("bar");
const running = byId("running");
const results = new Results(byId("results"), byId("card"), byId("networks"), byId("sustained"));
const devices = new Devices(byId("compared"), byId("refused"), byId<HTMLButtonElement>("clear"));

let worker: WorkerHandle | null = null;
let device: DeviceDescription | null = null;
let builder: ReportBuilder | null = null;
let report: Report | null = null;
let wakeLock: Promise<WakeLockSentinel | null> | null = null;

function startWorker(): WorkerHandle {
  const started = webWorker(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
  started.listen(hear, (reason) => {
    worker = null;
    fail(
      device
        ? `The measuring worker stopped: ${reason}. The device may be out of memory; try smaller networks, one at a time.`
        : `The measuring worker did not start: ${reason}. Reload the page; is its server still there?`,
    );
  });
  return started;
}

/** Starts a worker where there is none: the last one was stopped, or died. */
function ask(message: ToWorker): void {
  worker ??= startWorker();
  worker.post(message);
}

function hear(message: FromWorker): void {
  switch (message.kind) {
    case "lock":
      worker?.watch(message.lock);
      return;
    case "device":
      device = message.device;
      deviceName.placeholder = device.name;
      start.disabled = false;
      askEstimate();
      if (new URLSearchParams(location.search).has("start")) form.requestSubmit();
      return;
    case "estimate":
      estimate.textContent = `Takes ${duration(message.ms)} on this device.`;
      return;
    case "progress":
      bar.value = message.share;
      // Told to a screen reader as a whole, once a step.
      if (status.textContent !== message.step) status.textContent = message.step;
      detail.textContent = `${message.detail}, ${duration(message.remainingMs)} left`;
      return;
    case "end":
      end("complete");
      return;
    case "failed":
      fail(message.message);
      return;
    default:
      builder?.add(message);
      show();
  }
}

function show(): void {
  if (!builder) return;
  report = builder.report;
  results.show(report);
  devices.present = report.summary;
}

function askEstimate(): void {
  const settings = readForm(form);
  const chosen = settings.networks.length > 0;
  byId<HTMLInputElement>("first-network").setCustomValidity(chosen ? "" : "Choose at least one network.");
  if (!chosen || !form.checkValidity()) estimate.textContent = "";
  else if (device) ask({ kind: "estimate", settings });
}

function begin(): void {
  if (!device || builder) return;
  failure.hidden = true;
  copied.textContent = "";
  const settings = readForm(form);
  builder = new ReportBuilder(deviceName.value.trim(), device, settings);
  results.clear();
  show();
  fields.disabled = true;
  setup.open = false;
  ready.hidden = true;
  running.hidden = false;
  stop.focus();
  bar.value = 0;
  status.textContent = "Starting";
  detail.textContent = "";
  // A phone that goes to sleep measures nothing; where there is no such lock, its owner keeps it awake.
  wakeLock = navigator.wakeLock?.request("screen").catch(() => null) ?? null;
  ask({ kind: "run", settings });
}

function end(state: "complete" | "stopped" | "failed"): void {
  if (!builder) return;
  builder.end(state);
  show();
  builder = null;
  const hadFocus = running.contains(document.activeElement);
  fields.disabled = false;
  ready.hidden = false;
  running.hidden = true;
  if (hadFocus) start.focus();
  wakeLock?.then((lock) => lock?.release());
  byId("outcome").textContent = { complete: "Done.", stopped: "Stopped.", failed: "Broke off." }[state];
}

function fail(message: string): void {
  failure.textContent = message;
  failure.hidden = false;
  if (!device) estimate.textContent = "";
  end("failed");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
form.addEventListener("input", askEstimate);
// What is wrong is in there; the event does not bubble.
form.addEventListener(
  "invalid",
  () => {
    setup.open = true;
  },
  { capture: true },
);
stop.addEventListener("click", () => {
  // Whatever it is in the middle of, a stage of ten seconds on a slow GPU included.
  worker?.terminate();
  worker = null;
  end("stopped");
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) builder?.note("The page was hidden during the run: browsers and phones slow such pages down.");
});
copy.addEventListener("click", async () => {
  const done = await copyText(json(), byId("json"));
  copied.textContent = done ? "Copied." : "The browser refused; the JSON is selected below, copy it by hand.";
});
const fileName = () =>
  `resnet-edge-bench-${`${report?.deviceName} ${report?.date.slice(0, 10)}`.replace(/[^\w.-]+/g, "-")}`;
save.addEventListener("click", () => download(new Blob([json()], { type: "application/json" }), `${fileName()}.json`));
byId("picture").addEventListener("click", async () => {
  if (!report) return;
  try {
    download(await cardPicture(report), `${fileName()}.png`);
  } catch (error) {
    copied.textContent = (error as Error).message;
  }
});
byId("files").addEventListener("change", ({ currentTarget }) => {
  const field = currentTarget as HTMLInputElement;
  devices.add([...(field.files ?? [])]);
  // The same file once more is a change, too.
  field.value = "";
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  devices.add([...(event.dataTransfer?.files ?? [])]);
});
const json = () => `${JSON.stringify(report, null, 2)}\n`;

fillForm(form, new URLSearchParams(location.search));
ask({ kind: "describe" });
