import type { Prediction } from "resnet-edge";

export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

const BARS = 5;
const SEEN = 16;
/** A label that flickers is not read out: it must have stood for so long. */
const STEADY_MS = 700;

/** What people see of an answer. Elements are made once: a kiosk runs for weeks. */
export class View {
  readonly #label = find("label");
  readonly #announce = find("announce");
  readonly #notice = find("notice");
  readonly #bars = Array.from({ length: BARS }, () => {
    const row = document.createElement("li");
    const [name, score, track, fill] = ["name", "score", "track", "fill"].map((kind) => {
      const element = document.createElement(kind === "track" || kind === "fill" ? "div" : "span");
      element.className = kind;
      return element;
    }) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    track.append(fill);
    row.append(name, score, track);
    row.hidden = true;
    return { row, name, score, fill };
  });
  readonly #history = find<HTMLOListElement>("history");
  #present = "";
  #since = 0;
  #announced = "";

  constructor() {
    find("bars").append(...this.#bars.map(({ row }) => row));
  }

  /** `shown`: what was looked at, for the strip of pictures. */
  answer(predictions: readonly Prediction[], shown: CanvasImageSource): void {
    const [best] = predictions;
    if (!best) return;
    const now = performance.now();
    if (best.label !== this.#present) {
      this.#present = best.label;
      this.#since = now;
      setText(this.#label, best.label);
    }
    if (this.#announced !== best.label && now - this.#since >= STEADY_MS) this.#remember(best, shown);
    for (const [index, { row, name, score, fill }] of this.#bars.entries()) {
      const prediction = predictions[index];
      row.hidden = !prediction;
      if (!prediction) continue;
      setText(name, prediction.label);
      setText(score, `${(100 * prediction.score).toFixed(0)} %`);
      fill.style.transform = `scaleX(${prediction.score.toFixed(3)})`;
    }
  }

  /** Says what is wrong; null: nothing is. */
  notice(text: string | null): void {
    this.#notice.hidden = text === null;
    if (text !== null) setText(this.#notice, text);
  }

  /** Says, small, what speaks against a model's answers; "": nothing does. */
  doubts(text: string): void {
    const line = find("doubts");
    line.hidden = text === "";
    setText(line, text);
  }

  waiting(text: string): void {
    this.#present = "";
    setText(this.#label, text);
    for (const { row } of this.#bars) row.hidden = true;
  }

  facts(where: string, ms: number, rate: number, plan: string): void {
    setText(find("where"), where);
    setText(find("speed"), `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
    setText(find("rate"), rate.toFixed(0));
    setText(find("plan"), plan);
  }

  #remember({ label, score }: Prediction, shown: CanvasImageSource): void {
    this.#announced = label;
    setText(this.#announce, `${label}, ${(100 * score).toFixed(0)} percent`);
    // The oldest entry becomes the newest.
    let entry = this.#history.children.length < SEEN ? null : this.#history.lastElementChild;
    if (!entry) {
      entry = document.createElement("li");
      const canvas = document.createElement("canvas");
      canvas.width = 224;
      canvas.height = 168;
      canvas.setAttribute("aria-hidden", "true");
      entry.append(canvas, document.createElement("span"));
    }
    const [canvas, text] = entry.children as unknown as [HTMLCanvasElement, HTMLElement];
    canvas.getContext("2d")!.drawImage(shown, 0, 0, canvas.width, canvas.height);
    setText(text, label);
    this.#history.prepend(entry);
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
