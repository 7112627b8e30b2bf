import { table } from "../table.js";
import type { Done } from "./pipeline.js";

/** Classes that are shown. */
const SHOWN = 10;

/** Pictures of an earlier run: all that have a result, and those whose result is an error. */
interface Before {
  readonly done: number;
  readonly failed: number;
}

/** Counts what became of pictures. */
export class Summary {
  images = 0;
  failed = 0;
  readonly #classes = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #start = performance.now();

  count({ result }: Done, error: { readonly name: string } | null): void {
    this.images++;
    if (error) {
      this.failed++;
      add(this.#errors, error.name);
    } else if ("predictions" in result) add(this.#classes, result.predictions[0]?.label ?? "(no class)");
  }

  /** For JSON. */
  report(before: Before) {
    const seconds = (performance.now() - this.#start) / 1000;
    return {
      images: this.images,
      before: before.done,
      failedBefore: before.failed,
      failed: this.failed,
      seconds: Math.round(1000 * seconds) / 1000,
      imagesPerSecond: Math.round((100 * this.images) / seconds) / 100,
      classes: Object.fromEntries(sorted(this.#classes)),
      errors: Object.fromEntries(sorted(this.#errors)),
    };
  }

  lines(before: Before): string[] {
    const { images, failed, seconds, imagesPerSecond } = this.report(before);
    const told = before.failed > 0 ? `, and ${before.failed} of them failed` : "";
    const rate = images > 0 ? `, ${imagesPerSecond.toFixed(1)} images a second` : "";
    const classes = sorted(this.#classes);
    const rest = classes.slice(SHOWN).reduce((sum, [, count]) => sum + count, 0);
    const rows = [
      ...classes.slice(0, SHOWN),
      ...(rest > 0 ? ([[`${classes.length - SHOWN} others`, rest]] as const) : []),
    ];
    return [
      `${images} images in ${seconds.toFixed(1)} s${rate}${before.done > 0 ? `; ${before.done} were done before${told}` : ""}`,
      ...(rows.length > 0
        ? [
            "",
            ...table(
              ["class", "images"],
              rows.map(([name, count]) => [name, `${count}`]),
            ),
          ]
        : []),
      ...(failed > 0
        ? [
            "",
            ...table(
              ["error", "images"],
              sorted(this.#errors).map(([name, count]) => [name, `${count}`]),
            ),
          ]
        : []),
    ];
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** The most first; equals by name. */
const sorted = (counts: ReadonlyMap<string, number>) =>
  [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
