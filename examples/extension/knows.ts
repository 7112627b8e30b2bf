/** What the popup says of the model that answers. */
export interface Knows {
  /** Null where classes have no names. */
  readonly classes: number | null;
  /** Of the user's own; null for the bundled one. */
  readonly name: string | null;
}

/** "1,000 things": how much is known. */
export function thingsOf(classes: number | null): string {
  if (classes === null) return "things without names; give it their names";
  return `${classes.toLocaleString("en")} ${classes === 1 ? "thing" : "things"}`;
}
