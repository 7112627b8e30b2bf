/** Something that was seen, and stood for a while. */
export interface Result {
  readonly time: Date;
  /** "camera", or a picture's file name. */
  readonly source: string;
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
  readonly kind: "sure" | "unsure" | "none";
  readonly model: string;
}

const MOST = 20_000;

/** What was seen since the start: the last 20,000. Memory alone holds it, until it is asked for as CSV. */
export class Results {
  #all: Result[] = [];
  #first = 0;

  constructor(private readonly most = MOST) {}

  get count(): number {
    return this.#all.length;
  }

  add(result: Result): void {
    if (this.#all.length < this.most) {
      this.#all.push(result);
      return;
    }
    // A ring: the newest takes the oldest's place.
    this.#all[this.#first] = result;
    this.#first = (this.#first + 1) % this.most;
  }

  clear(): void {
    this.#all = [];
    this.#first = 0;
  }

  /** RFC 4180, the oldest first. */
  csv(): string {
    const ordered = [...this.#all.slice(this.#first), ...this.#all.slice(0, this.#first)];
    const rows = ordered.map(({ time, source, label, score, kind, model }) => [
      time.toISOString(),
      source,
      label,
      score.toFixed(4),
      kind,
      model,
    ]);
    return [["time", "source", "label", "score", "kind", "model"], ...rows]
      .map((row) => `${row.map(field).join(",")}\r\n`)
      .join("");
  }
}

/** Labels and names come from strangers' files: a spreadsheet must not take one for a formula. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
