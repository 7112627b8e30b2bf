import type { HeatMap, Preprocess } from "resnet-edge";
import { drawPicture, placeFrame } from "../kiosk/seen.js";

export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

/** What is looked at, and the part of it that the network sees. */
export class Stage {
  readonly video = find<HTMLVideoElement>("video");
  readonly #canvas = find<HTMLCanvasElement>("picture");
  readonly #box = find("stage");
  readonly #heat = find<HTMLCanvasElement>("heat");
  readonly #seen = find("seen");
  readonly #square = find<HTMLInputElement>("square");
  #preprocess: Preprocess | null = null;

  constructor() {
    this.#square.addEventListener("change", () => this.#place());
    new ResizeObserver(() => this.#place()).observe(this.#box);
    this.video.addEventListener("resize", () => this.#place());
  }

  set preprocess(preprocess: Preprocess) {
    this.#preprocess = preprocess;
    this.#place();
  }

  show(bitmap: ImageBitmap, name: string): void {
    drawPicture(this.#canvas, bitmap, name);
    this.#use("picture");
  }

  /** Lays a heat map over the picture; null takes it away. */
  async explain(map: HeatMap | null): Promise<void> {
    this.#heat.hidden = map === null;
    if (!map) return;
    this.#heat.width = this.#canvas.width;
    this.#heat.height = this.#canvas.height;
    const { drawHeatMap } = await import("resnet-edge/teach");
    drawHeatMap(this.#heat, map);
  }

  showVideo(): void {
    this.#use("video");
  }

  #use(kind: "picture" | "video"): void {
    this.#canvas.hidden = kind !== "picture";
    this.video.hidden = kind !== "video";
    this.#heat.hidden = true;
    this.#box.classList.add("filled");
    this.#place();
  }

  /** Puts the frame over the part of the picture that the network sees. */
  #place(): void {
    const [width, height] = this.video.hidden
      ? [this.#canvas.width, this.#canvas.height]
      : [this.video.videoWidth, this.video.videoHeight];
    const shown = this.#preprocess && this.#square.checked && this.#box.classList.contains("filled") && width > 0;
    this.#seen.hidden = !shown;
    if (!shown) return;
    placeFrame(this.#seen, this.#box, width, height, this.#preprocess!);
  }
}
