import { OptionError } from "./errors.js";

/** Longer words are cut: nobody means them, and the distance costs the product of both lengths. */
const LONGEST = 40;

/**
 * The known word that `word` was most likely meant to be, or null. Case, "_" and "-" do not count; a third of the letters may
 * be wrong, and one word may be a part of the other.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const a = plain(word);
  let best: string | null = null;
  let least = Math.max(1, a.length / 3);
  for (const candidate of known) {
    const b = plain(candidate);
    const part = Math.min(a.length, b.length) > 2 && (a.includes(b) || b.includes(a));
    const distance = Math.min(edits(a, b), part ? 1 : LONGEST);
    if (distance > least || (best && distance === least)) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

/** Throws `OptionError` for a field of `given` that is not known, naming the nearest one. `what`: "load option", say. */
export function checkFields(given: unknown, known: readonly string[], what: string): void {
  if (typeof given !== "object" || given === null) {
    throw new OptionError(`Each ${what} is a field of an object; got ${given === null ? "null" : typeof given}.`);
  }
  for (const [field, value] of Object.entries(given)) {
    if (value !== undefined && !known.includes(field)) throw unknown(what, field, known);
  }
}

/** "There is no load option "lables"; did you mean "labels"?" */
export function unknown(what: string, word: string, known: readonly string[]): OptionError {
  const meant = nearest(word, known);
  const mend = meant === null ? `known: ${known.join(", ")}.` : `did you mean "${meant}"?`;
  return new OptionError(`There is no ${what} "${word.slice(0, LONGEST)}"; ${mend}`);
}

const plain = (word: string) => word.slice(0, LONGEST).toLowerCase().replace(/[-_]/g, "");

/** Levenshtein's distance: letters inserted, deleted or replaced. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 0; line < a.length; line++) {
    const next = [line + 1];
    for (let column = 0; column < b.length; column++) {
      next.push(Math.min(row[column]! + (a[line] === b[column] ? 0 : 1), row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
