import { SingleBar } from "cli-progress";
import { shown } from "../base/shown.js";

/** One line that is rewritten on a terminal, and nothing at all in a pipe. */
export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return;
  // A line that wraps could not be rewritten.
  const line = shown(text).slice(0, (process.stderr.columns || 80) - 1);
  process.stderr.write(`\r\x1b[2K${line}`);
}

/** How far a long piece of work has come, with its rate and the time that is left; silent in a pipe. */
export class ProgressBar {
  readonly #bar = new SingleBar({
    format: "{bar} {value} of {total}, {rate} a second, {eta_formatted} left",
    stream: process.stderr,
    hideCursor: null,
    clearOnComplete: true,
    stopOnComplete: false,
    fps: 5,
    etaBuffer: 100,
  });
  readonly #start = performance.now();
  #value = 0;

  constructor(total: number) {
    this.#bar.start(total, 0, { rate: "-" });
  }

  step(): void {
    this.#value++;
    const seconds = (performance.now() - this.#start) / 1000;
    this.#bar.update(this.#value, { rate: (this.#value / seconds).toFixed(1) });
  }

  stop(): void {
    this.#bar.stop();
  }
}
