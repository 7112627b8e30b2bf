import { networkTitle } from "../names.js";
import type { Report } from "../report.js";
import { factsOf } from "./card.js";
import { dateAndTime, digits, milliseconds } from "./format.js";
import { fastest, labelOf, sorted } from "./series.js";

const WIDTH = 1200;
const EDGE = 56;
const FONT = "system-ui, sans-serif";
/** Lines that a canvas of any browser can hold. */
const MOST_BARS = 60;

/** The card as a PNG to be shared, in the page's present colours. */
export async function cardPicture(report: Report): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  // Once to find its height, which sets the canvas back, and once to be seen.
  canvas.height = draw(canvas, report);
  draw(canvas, report);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("This browser made no picture of it."))),
      "image/png",
    );
  });
}

/** Returns the height that it takes. */
function draw(canvas: HTMLCanvasElement, report: Report): number {
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const text = (value: string, x: number, y: number, size: number, ink: string, weight = 400) => {
    context.font = `${weight} ${size}px ${FONT}`;
    context.fillStyle = colour(ink);
    context.fillText(value, x, y, WIDTH - EDGE - x);
  };
  context.fillStyle = colour("panel");
  context.fillRect(0, 0, canvas.width, canvas.height);
  text("resnet-edge bench", EDGE, 76, 26, "accent", 700);
  context.textAlign = "right";
  context.font = `400 24px ${FONT}`;
  context.fillStyle = colour("quiet");
  context.fillText(dateAndTime(report.date), WIDTH - EDGE, 76);
  context.textAlign = "left";
  text(report.deviceName, EDGE, 136, 46, "ink", 700);
  let y = 180;
  for (const line of wrapped(context, factsOf(report).join(" · "))) {
    text(line, EDGE, y, 24, "quiet");
    y += 34;
  }
  let bars = 0;
  for (const network of report.networks) {
    const best = fastest(network);
    if (!best) continue;
    y += 40;
    text(`${networkTitle(network.name)}, ${network.inputSize} × ${network.inputSize}`, EDGE, y, 30, "ink", 600);
    y += 64;
    const figure = digits(best.latency.median);
    text(figure, EDGE, y, 64, "ink", 700);
    const after = EDGE + context.measureText(figure).width + 16;
    text(`ms · ${digits(best.imagesPerSecond)} images/s · ${labelOf(best)}`, after, y, 26, "quiet");
    y += 24;
    const all = sorted(network).slice(0, MOST_BARS - bars);
    bars += all.length;
    const most = Math.max(...all.map(({ latency }) => latency.median));
    for (const it of all) {
      y += 34;
      text(labelOf(it), EDGE, y, 22, "ink");
      context.fillStyle = colour(it === best ? "accent" : "baseline");
      context.fillRect(470, y - 18, (520 * it.latency.median) / most, 22);
      text(milliseconds(it.latency.median), 482 + (520 * it.latency.median) / most, y, 22, "ink");
    }
    const verdict = network.turns?.verdict?.text;
    for (const line of verdict ? wrapped(context, verdict) : []) {
      y += 36;
      text(line, EDGE, y, 22, "ink");
    }
  }
  y += 60;
  text(
    `Median latency, one image at a time; pseudo-random weights. resnet-edge ${report.version}.`,
    EDGE,
    y,
    20,
    "quiet",
  );
  return y + 44;
}

function wrapped(context: CanvasRenderingContext2D, text: string): string[] {
  context.font = `400 24px ${FONT}`;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && context.measureText(longer).width <= WIDTH - 2 * EDGE) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
