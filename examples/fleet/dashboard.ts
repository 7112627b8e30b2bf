import type { QueueEvents } from "bullmq";
import { MultiBar, type SingleBar } from "cli-progress";
import type { Done, Progress } from "./queue.js";
import type { Run } from "./run.js";

/** A worker that nobody has heard of for so long has left. */
const SILENT_MS = 60_000;
const ALL = "{bar} {value} of {total} pictures, {rate} a second, {eta_formatted} left, {lost} shards taken over{given}";
const ONE = "  {name}: {pictures} pictures in {shards} shards, {rate} a second{under}";

/** What a worker has done. */
interface Seen {
  /** Null while nobody hears of it. */
  bar: SingleBar | null;
  readonly since: number;
  last: number;
  pictures: number;
  shards: number;
}

/** How far a run has come, and each worker's part in it, on the terminal; in a pipe, a line every ten seconds. */
export class Dashboard {
  readonly workers = new Map<string, Seen>();
  /** Shards whose workers died, or were not heard of. */
  lost = 0;
  /** Shards that failed as often as they are tried. */
  givenUp = 0;
  readonly #bars = new MultiBar({
    format: ALL,
    stream: process.stderr,
    hideCursor: null,
    clearOnComplete: true,
    fps: 4,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    etaBuffer: 50,
  });
  readonly #start = performance.now();
  readonly #all: SingleBar;
  #fresh = 0;

  /** `done`: pictures that were answered before. */
  constructor(run: Run, done: number, events: QueueEvents) {
    this.#all = this.#bars.create(run.pictures, done, { rate: "-", lost: 0, given: "" });
    events.on("progress", ({ data }) => this.#hear(data as Progress, 0));
    // What is sent through Redis's streams comes as it was returned.
    events.on("completed", ({ returnvalue }) => this.#hear(returnvalue as unknown as Done, 1));
    events.on("failed", () => {
      this.givenUp++;
      this.#show();
    });
    events.on("stalled", () => {
      this.lost++;
      this.#show();
    });
  }

  stop(): void {
    this.#bars.stop();
  }

  #hear({ worker, pictures }: Done | Progress, shards: number): void {
    const now = performance.now();
    let seen = this.workers.get(worker);
    if (!seen) {
      seen = { bar: null, since: now, last: now, pictures: 0, shards: 0 };
      this.workers.set(worker, seen);
    }
    seen.last = now;
    seen.shards += shards;
    if (shards > 0) {
      seen.pictures += pictures;
      this.#fresh += pictures;
    }
    seen.bar ??= this.#bars.create(1, 0, {}, { format: ONE });
    seen.bar.update({
      name: worker,
      pictures: seen.pictures,
      shards: seen.shards,
      rate: rate(seen.pictures, now - seen.since),
      under: shards > 0 ? "" : `, ${pictures} of the next`,
    });
    for (const other of this.workers.values()) {
      if (!other.bar || now - other.last <= SILENT_MS) continue;
      this.#bars.remove(other.bar);
      other.bar = null;
    }
    if (shards > 0) this.#all.increment(pictures);
    this.#show();
  }

  #show(): void {
    const given = this.givenUp > 0 ? `, ${this.givenUp} given up` : "";
    this.#all.update({ rate: rate(this.#fresh, performance.now() - this.#start), lost: this.lost, given });
  }
}

const rate = (pictures: number, ms: number) => (ms > 0 ? ((1000 * pictures) / ms).toFixed(1) : "-");
