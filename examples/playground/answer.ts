import type { Classifier, Prediction } from "resnet-edge";
import { find } from "./stage.js";

/** What is read of an answer: the best class, the others, and how it came about. */
export class Answer {
  readonly #announce = find("announce");
  #announced = "";

  show(predictions: readonly Prediction[], ms: number, { plan, stats, doubts }: Classifier): void {
    const [best] = predictions;
    if (!best) return;
    find("label").textContent = best.label;
    find("bars").replaceChildren(...predictions.map(bar));
    if (best.label !== this.#announced) this.#announce.textContent = `${best.label}, ${percent(best.score)}`;
    this.#announced = best.label;
    const devices = [...new Set(plan.stages.map(({ device }) => device.toUpperCase()))].join(" and ");
    find("where").textContent = `${devices}, ${stats.threads} thread${stats.threads > 1 ? "s" : ""}`;
    find("speed").textContent = `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
    find("plan").textContent = `${plan}\n${stats.kernels}\n${stats.threads} thread(s): ${stats.threadsReason}`;
    find("doubting").hidden = doubts.length === 0;
    find("doubts").replaceChildren(...doubts.map((text) => element("li", "", text)));
    this.trouble(null);
  }

  /** Nothing is answered: what stood there was said of another picture. */
  clear(): void {
    find("label").textContent = "No answer";
    find("bars").replaceChildren();
    this.#announced = "";
  }

  /** Says what is wrong and what to do; null: nothing is. */
  trouble(text: string | null): void {
    const line = find("trouble");
    line.hidden = text === null;
    if (text !== null) line.textContent = text;
  }

  /** What is being waited for; "": nothing. `share`: how much of it is here, where that is known. */
  waiting(text: string, share?: number): void {
    find("status").textContent = text;
    const progress = find<HTMLProgressElement>("progress");
    progress.hidden = text === "";
    if (share === undefined) progress.removeAttribute("value");
    else progress.value = share;
  }
}

const percent = (score: number) => `${(100 * score).toFixed(0)} %`;

function bar({ label, score }: Prediction): HTMLElement {
  const row = element("li", "");
  const track = element("div", "track");
  const fill = element("div", "fill");
  fill.style.transform = `scaleX(${Math.min(1, Math.max(0, score)).toFixed(3)})`;
  track.append(fill);
  row.append(element("span", "name", label), element("span", "score", percent(score)), track);
  return row;
}

export function element(tag: string, kind: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
