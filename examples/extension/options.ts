import { friendly } from "./friendly.js";
import { thingsOf } from "./knows.js";
import type { Request } from "./messages.js";
import {
  forgetOwnModel,
  keepOwnModel,
  labelsOf,
  MOST_LABELS_BYTES,
  MOST_MODEL_BYTES,
  readOwnModel,
} from "./own-model.js";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const use = find<HTMLButtonElement>("use");
const forget = find<HTMLButtonElement>("forget");

async function showPresent(classes?: number | null): Promise<void> {
  const own = await readOwnModel();
  forget.disabled = !own;
  const knows = classes === undefined ? "" : ` It knows ${thingsOf(classes)}.`;
  find("present").textContent = own ? `${own.name} answers.${knows}` : "The bundled model answers.";
}

/** Runs a change, and tells the service worker, which has the model of before. */
async function change(act: () => Promise<number | null | undefined>): Promise<void> {
  use.disabled = true;
  find("failure").textContent = "";
  find("present").textContent = "Looking at it";
  try {
    const classes = await act();
    await chrome.runtime.sendMessage<true>({ changed: true } satisfies Request);
    await showPresent(classes);
  } catch (error) {
    // Why it is none is what its owner can mend: the library's own words.
    const { detail, error: sentence } = friendly(error);
    find("failure").textContent = `This model was not taken. ${detail || sentence}`;
    await showPresent();
  } finally {
    use.disabled = false;
  }
}

async function bounded(file: File | undefined, most: number): Promise<File | null> {
  if (!file) return null;
  if (file.size > most) throw new Error(`${file.name} has more than ${most >> 20} MB.`);
  return file;
}

const chosen = (id: string) => find<HTMLInputElement>(id).files?.[0];

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  change(async () => {
    const model = await bounded(chosen("model"), MOST_MODEL_BYTES);
    const names = await bounded(chosen("labels"), MOST_LABELS_BYTES);
    return keepOwnModel({
      name: model!.name,
      bytes: await model!.arrayBuffer(),
      labels: names ? labelsOf(await names.text()) : null,
    });
  });
});
forget.addEventListener("click", () =>
  change(async () => {
    await forgetOwnModel();
    return undefined;
  }),
);
showPresent();
