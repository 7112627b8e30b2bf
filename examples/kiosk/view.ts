import type { Prediction, Preprocess } from "resnet-edge";
import { drawPicture, placeFrame } from "./seen.js";
import { type Face, keyOf, spoken } from "./states.js";
import { Steady } from "./steady.js";

export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

const BARS = 5;
/** A label that flickers is not read out: it must have stood for so long. */
const STEADY_MS = 700;
/** A heading of more letters is smaller. */
const LONG = 20;
/** A passing word is read by then. */
const NOTICE_MS = 20_000;

/** What people see and hear. Elements are made once: a kiosk runs for weeks. */
export class View {
  readonly #main = find("main");
  readonly #stage = find("stage");
  readonly #video = find<HTMLVideoElement>("video");
  readonly #picture = find<HTMLCanvasElement>("picture");
  readonly #frame = find("frame");
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
  readonly #steady = new Steady(STEADY_MS);
  #present: { face: Face; answer: readonly Prediction[] | null; picture: string } | null = null;
  #preprocess: Preprocess | null = null;
  #noticeTimer = 0;

  /** `onSteady` hears of each answer that has stood for a while, once. */
  constructor(private readonly onSteady: (face: Face, best: Prediction) => void) {
    find("bars").append(...this.#bars.map(({ row }) => row));
    new ResizeObserver(() => this.#place()).observe(this.#stage);
    this.#video.addEventListener("resize", () => this.#place());
    setInterval(() => this.#tick(performance.now()), 100);
  }

  /** What the network sees of a picture; null while there is no network. */
  set preprocess(preprocess: Preprocess | null) {
    this.#preprocess = preprocess;
    this.#place();
  }

  /** `picture`: tells it from others, where several are shown in turn. */
  show(face: Face, answer: readonly Prediction[] | null, picture: string): void {
    this.#present = { face, answer, picture };
    this.#main.dataset.state = face.state;
    this.#main.dataset.tone = face.tone;
    setText(find("eyebrow"), face.eyebrow);
    setText(find("label"), face.heading);
    setText(find("words"), face.words);
    this.#main.toggleAttribute("data-long", face.heading.length > LONG);
    const isAnswer = face.state === "sure" || face.state === "unsure" || face.state === "picture";
    for (const [index, { row, name, score, fill }] of this.#bars.entries()) {
      const prediction = isAnswer ? answer?.[index] : undefined;
      row.hidden = !prediction;
      if (!prediction) continue;
      const share = Math.min(1, Math.max(0, prediction.score));
      setText(name, prediction.label);
      setText(score, `${(100 * share).toFixed(0)} %`);
      fill.style.transform = `scaleX(${share.toFixed(3)})`;
    }
  }

  /** What is looked at; null: nothing, and the words have all the room. */
  look(at: "video" | "picture" | null): void {
    if (this.#main.dataset.stage === (at ?? "none")) return;
    this.#main.dataset.stage = at ?? "none";
    this.#stage.hidden = at === null;
    this.#video.hidden = at !== "video";
    this.#picture.hidden = at !== "picture";
    this.#place();
  }

  draw(bitmap: ImageBitmap, name: string): void {
    drawPicture(this.#picture, bitmap, name);
    this.#place();
  }

  /** What is shown, and its size in pixels; null where nothing is. */
  get shown(): readonly [picture: CanvasImageSource, width: number, height: number] | null {
    if (!this.#picture.hidden) return [this.#picture, this.#picture.width, this.#picture.height];
    if (this.#video.hidden || this.#video.videoWidth === 0) return null;
    return [this.#video, this.#video.videoWidth, this.#video.videoHeight];
  }

  /** How far loading is, 0 to 1; undefined: not known; null: nothing is loaded. */
  progress(share: number | undefined | null, what = ""): void {
    find("loading").hidden = share === null;
    if (share === null) return;
    const bar = find<HTMLProgressElement>("progress");
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
    setText(find("loading-what"), what);
  }

  /** Says what is wrong, to visitors and in the operator's settings; null: nothing is. `quiet`: to visitors the face says so already. */
  notice(text: string | null, quiet = false): void {
    clearTimeout(this.#noticeTimer);
    for (const id of ["notice", "operator-notice"]) {
      const line = find(id);
      line.hidden = text === null || (quiet && id === "notice");
      if (text !== null) setText(line, text);
    }
    if (text === null || quiet) return;
    setText(find("announce"), text);
    // The operator finds it later, too.
    this.#noticeTimer = window.setTimeout(() => {
      find("notice").hidden = true;
    }, NOTICE_MS);
  }

  /** Says, small, what speaks against a model's answers; "": nothing does. */
  doubts(text: string): void {
    const line = find("doubts");
    line.hidden = text === "";
    setText(line, text);
  }

  facts(where: string, ms: number, rate: number, plan: string): void {
    const speed = `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
    setText(find("where"), where);
    setText(find("speed"), speed);
    setText(find("rate"), rate.toFixed(0));
    setText(find("plan"), plan);
    setText(find("pace"), `${where} · ${speed} an answer · ${rate.toFixed(0)} a second`);
  }

  #tick(now: number): void {
    if (!this.#present) return;
    const { face, answer, picture } = this.#present;
    const key = keyOf(face, answer, picture);
    if (!this.#steady.tells(key, now)) return;
    setText(find("announce"), spoken(face, answer));
    if (key !== face.state) this.onSteady(face, answer![0]!);
  }

  #place(): void {
    const shown = this.shown;
    this.#frame.hidden = !shown || !this.#preprocess;
    if (shown && this.#preprocess) placeFrame(this.#frame, this.#stage, shown[1], shown[2], this.#preprocess);
  }
}

export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
