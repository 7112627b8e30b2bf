import { setText } from "./view.js";

const MOST = 24;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** The last answers, each with its picture and time. Elements are made once: a kiosk runs for weeks. */
export class History {
  constructor(private readonly list: HTMLOListElement) {}

  get count(): number {
    return this.list.children.length;
  }

  /** `shown`: what was looked at, of `width` x `height` pixels. */
  add(label: string, time: Date, shown: CanvasImageSource, width: number, height: number): void {
    // The oldest entry becomes the newest.
    const entry = (this.count < MOST ? null : this.list.lastElementChild) ?? makeEntry();
    const [canvas, name, when] = entry.children as unknown as [HTMLCanvasElement, HTMLElement, HTMLTimeElement];
    // Covered, not stretched: the middle of the picture in the thumbnail's ratio.
    const scale = Math.min(width / canvas.width, height / canvas.height);
    const [w, h] = [canvas.width * scale, canvas.height * scale];
    const context = canvas.getContext("2d")!;
    context.drawImage(shown, (width - w) / 2, (height - h) / 2, w, h, 0, 0, canvas.width, canvas.height);
    setText(name, label);
    setText(when, clock.format(time));
    when.dateTime = time.toISOString();
    this.list.prepend(entry);
  }

  clear(): void {
    this.list.replaceChildren();
  }
}

function makeEntry(): HTMLElement {
  const entry = document.createElement("li");
  const canvas = Object.assign(document.createElement("canvas"), { width: 224, height: 168 });
  canvas.setAttribute("aria-hidden", "true");
  entry.append(canvas, document.createElement("span"), document.createElement("time"));
  return entry;
}
