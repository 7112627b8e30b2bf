/** Labels that an operator chose: ImageNet's, or a text file's. Absent: the model file's own. */
export type Labels = "imagenet" | readonly string[];

const KEY = "kiosk-labels";
export const MOST_LABELS_BYTES = 1 << 20;

/** One label a line; empty lines count for nothing. Throws where there is none. */
export function parseLabels(text: string, name: string): string[] {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length === 0) throw new Error(`${name} has no labels: write one a line, in the order of the classes.`);
  if (text.includes("\0")) throw new Error(`${name} is no text: write one label a line, in the order of the classes.`);
  return lines;
}

const isLabels = (it: unknown): it is Labels =>
  it === "imagenet" || (Array.isArray(it) && it.every((label) => typeof label === "string"));

function all(): Record<string, Labels> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, labels]) => isLabels(labels)));
  } catch {
    return {};
  }
}

/** `model`: its SHA-256; "": the bundled one. */
export function labelsOf(model: string): Labels | undefined {
  return all()[model];
}

/** Undefined: the file's own again. */
export function keepLabels(model: string, labels: Labels | undefined): void {
  localStorage.setItem(KEY, JSON.stringify({ ...all(), [model]: labels }));
}
