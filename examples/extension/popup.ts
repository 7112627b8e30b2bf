import { type Friendly, friendly } from "./friendly.js";
import { type Knows, thingsOf } from "./knows.js";
import type { Request, Result } from "./messages.js";
import { MOST_BYTES } from "./picture.js";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

function show(result: Result | undefined): void {
  if (!result) return;
  const failed = "error" in result;
  find("label").textContent = failed ? result.error : result.predictions[0]!.label;
  const thumbnail = find<HTMLImageElement>("thumbnail");
  thumbnail.hidden = failed;
  if (!failed) thumbnail.src = result.thumbnail;
  find("detail").hidden = !failed || result.detail === "";
  find("reason").textContent = failed ? result.detail : "";
  find("where").textContent = failed ? "" : `${result.ms.toFixed(1)} ms on this machine's CPU (${result.where})`;
  const rows = failed ? [] : result.predictions.map(({ label, score }) => row(label, score));
  find("bars").replaceChildren(...rows);
}

function row(label: string, score: number): HTMLElement {
  const [item, name, share, track, fill] = ["li", "span", "span", "div", "div"].map((it) => document.createElement(it));
  name!.textContent = label;
  share!.textContent = `${(100 * score).toFixed(1)} %`;
  track!.className = "track";
  fill!.className = "fill";
  fill!.style.width = `${100 * score}%`;
  track!.append(fill!);
  item!.append(name!, share!, track!);
  return item!;
}

async function ask(request: Request): Promise<void> {
  // Nothing of the answer before stays under the new picture's name.
  find("label").textContent = "Looking";
  find("thumbnail").hidden = true;
  find("where").textContent = "";
  find("detail").hidden = true;
  find("bars").replaceChildren();
  try {
    show(await chrome.runtime.sendMessage<Result>(request));
  } catch (error) {
    show(friendly(error));
  }
}

function take(file: File | null | undefined): void {
  if (!file) return;
  if (file.size > MOST_BYTES) {
    show({ error: `${file.name} has more than ${MOST_BYTES >> 20} MB, which no picture needs.`, detail: "" });
    return;
  }
  const reader = new FileReader();
  reader.onload = () => ask({ picture: reader.result as string });
  reader.readAsDataURL(file);
}

find<HTMLInputElement>("file").addEventListener("change", ({ currentTarget }) =>
  take((currentTarget as HTMLInputElement).files?.[0]),
);
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer?.files[0]);
});
addEventListener("paste", (event) => take(event.clipboardData?.files[0]));

find("list").addEventListener("click", async () => {
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  const list = find("pictures");
  try {
    const tabId = tab!.id!;
    const [frame] = await chrome.scripting.executeScript({ target: { tabId }, func: largest });
    const pictures = frame?.result ?? [];
    if (pictures.length === 0) throw new Error("There is no picture on this page.");
    list.replaceChildren(
      ...pictures.map((address) => {
        const [item, button, image] = [document.createElement("li"), document.createElement("button"), new Image()];
        image.src = address;
        image.alt = address.split("/").pop() ?? "";
        button.append(image);
        button.addEventListener("click", () => ask({ address, tabId }));
        item.append(button);
        return item;
      }),
    );
  } catch (error) {
    show(friendly(error));
  }
});

/** Runs in the page: addresses of its largest pictures. */
function largest(): string[] {
  return [...document.images]
    .filter(({ naturalWidth, naturalHeight }) => naturalWidth * naturalHeight > 1000)
    .sort((a, b) => b.naturalWidth * b.naturalHeight - a.naturalWidth * a.naturalHeight)
    .slice(0, 12)
    .map(({ currentSrc }) => currentSrc);
}

find("options").addEventListener("click", () => chrome.runtime.openOptionsPage());

/** How much may be expected of the answers. */
async function showKnows(): Promise<void> {
  const request: Request = { knows: true };
  const answer = await chrome.runtime.sendMessage<Knows | Friendly>(request).catch(friendly);
  if ("error" in answer) {
    find("knows").textContent = answer.error;
    return;
  }
  const things = thingsOf(answer.classes);
  find("knows").textContent = answer.name
    ? `Your model ${answer.name} knows ${things}.`
    : `It knows ${things}, from very small pictures, and names all else wrongly.`;
}

showKnows();
chrome.storage.session.get("last").then(({ last }) => show(last as Result | undefined));
chrome.storage.onChanged.addListener((changes) => show((changes.last as { newValue?: Result } | undefined)?.newValue));
