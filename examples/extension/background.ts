import type { BrowserImage, Classifier } from "resnet-edge";
import { friendly } from "./friendly.js";
import type { Knows } from "./knows.js";
import { Latest } from "./latest.js";
import type { Request, Result } from "./messages.js";
import { loaded, readOwnModel } from "./own-model.js";
import { pictureOf } from "./picture.js";

// Inference is here and not in an offscreen document: a service worker has no workers, but the bundled network takes a
// millisecond or two, and one context fewer is one fewer to be killed. It may be killed at any time: nothing is kept in it.
interface Loaded {
  readonly network: Classifier<BrowserImage>;
  /** Of the user's own model. */
  readonly name: string | null;
}

const latest = new Latest<Loaded>(async () => {
  const own = await readOwnModel();
  return { network: await loaded(own), name: own?.name ?? null };
});

async function knows(): Promise<Knows> {
  const { network, name } = await latest.get();
  return { classes: network.labels?.length ?? null, name };
}

const THUMBNAIL = 320;

async function thumbnailOf(picture: Blob): Promise<string> {
  const bitmap = await createImageBitmap(picture);
  const scale = Math.min(1, THUMBNAIL / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer());
  return `data:image/jpeg;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

async function answer(open: () => Promise<Blob>): Promise<Result> {
  let result: Result;
  let asked: Promise<Loaded> | null = null;
  try {
    const picture = await open();
    asked = latest.get();
    const { network } = await asked;
    const start = performance.now();
    const predictions = await network.classify(picture, { topK: 5 });
    const ms = performance.now() - start;
    result = { predictions, ms, where: network.stats.kernels, thumbnail: await thumbnailOf(picture) };
  } catch (error) {
    // A network that failed in use is loaded anew for the next picture.
    if (["NumericError", "WasmError", "WorkerError"].includes((error as Error).name)) latest.drop(asked);
    result = friendly(error);
  }
  await chrome.storage.session.set({ last: result });
  await chrome.action.setBadgeText({ text: "error" in result ? "!" : result.predictions[0]!.label.slice(0, 4) });
  return result;
}

chrome.runtime.onInstalled.addListener(() => {
  chrome.contextMenus.create({ id: "classify", title: "What is this picture?", contexts: ["image"] }, () => {
    // Asked for, so that an entry from an earlier installation is no error.
    void chrome.runtime.lastError;
  });
});

chrome.contextMenus.onClicked.addListener(async ({ srcUrl }, tab) => {
  if (!srcUrl) return;
  await answer(() => pictureOf(srcUrl, tab?.id));
  // Where browsers let an extension open its popup; the badge says it otherwise.
  await chrome.action.openPopup?.().catch(() => {});
});

chrome.runtime.onMessage.addListener((message: Request, _sender, respond) => {
  if ("knows" in message) {
    knows().then(respond, (error) => respond(friendly(error)));
    return true;
  }
  if ("changed" in message) {
    latest
      .drop()
      ?.then(({ network }) => network.close())
      .catch(() => {});
    respond(true);
    return true;
  }
  const open =
    "picture" in message
      ? async () => (await fetch(message.picture)).blob()
      : () => pictureOf(message.address, message.tabId);
  answer(open).then(respond);
  return true;
});
