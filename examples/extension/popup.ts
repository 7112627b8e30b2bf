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
  find("bars").replaceChildren();
  try {
    show(await chrome.runtime.sendMessage<Result>(request));
  } catch (error) {
    show({ error: (error as Error).message });
  }
}

function take(file: File | null | undefined): void {
  if (!file) return;
  if (file.size > MOST_BYTES) {
    show({ error: `${file.name} has more than ${MOST_BYTES >> 20} MB, which no picture needs.` });
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
    show({ error: (error as Error).message });
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

chrome.storage.session.get("last").then(({ last }) => show(last as Result | undefined));
chrome.storage.onChanged.addListener((changes) => show((changes.last as { newValue?: Result } | undefined)?.newValue));
