import { OptionError } from "../errors.js";

/** Longer words are cut: nobody means them, and the distance costs the product of both lengths. */
const plain = (word: string) => word.slice(0, 40).toLowerCase().replace(/[-_]/g, "");

/**
 * The known word that `word` was most likely meant to be, or null. Case, "_" and "-" do not count; a third of the letters may
 * be wrong, and one word may be a part of the other.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const a = plain(word);
  let best: string | null = null;
  let least = Math.max(1, a.length / 3) + 0.1;
  for (const candidate of known) {
    const b = plain(candidate);
    const part = Math.min(a.length, b.length) > 2 && (a.includes(b) || b.includes(a));
    const distance = part ? 0.5 : edits(a, b);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Throws `OptionError` for a field of `given` that is not known, naming the nearest one. `what`: "load option", say. */
export function checkFields(given: unknown, known: readonly string[], what: string): void {
  if (Object(given) !== given) throw new OptionError(`Each ${what} is a field of an object; got ${given}.`);
  for (const [field, value] of Object.entries(given as object)) {
    if (value !== undefined && !known.includes(field)) throw unknown(what, field, known);
  }
}

/** "There is no load option "lables"; did you mean "labels"?" */
export function unknown(what: string, word: string, known: readonly string[]): OptionError {
  const meant = nearest(word, known);
  return new OptionError(
    `There is no ${what} "${word.slice(0, 40)}"; ${meant ? `did you mean "${meant}"?` : `known: ${known.join(", ")}.`}`,
  );
}

/** Levenshtein's distance: letters inserted, deleted or replaced. */
function edits(a: string, b: string): number {
  let row = [...b, ""].map((_, column) => column);
  for (const letter of a) {
    const next = [row[0]! + 1];
    for (let at = 0; at < b.length; at++) {
      next.push(Math.min(row[at]! + +(letter !== b[at]), row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
