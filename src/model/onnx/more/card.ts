import { MAX_LABELS } from "../../../limits.js";

/** Where exporters put names of classes: Ultralytics' "names", and others. */
const labelKeys = ["labels", "names", "classes", "class_names", "id2label", "categories"];

/**
 * The text of a "resnet-edge" entry for what a file's metadata properties state: labels as JSON or as Python prints them, and a
 * normalisation. Null where nothing is stated. `classes`: how many there are, where the graph says it; other numbers of labels are left.
 */
export function cardOf(properties: ReadonlyMap<string, string>, classes: number | null): string | null {
  const own = properties.get("resnet-edge");
  if (own !== undefined) return own;
  const labels = labelKeys
    .map((key) => labelsIn(properties.get(key) ?? ""))
    .find((found) => found.length > 0 && (classes === null || found.length === classes));
  const [mean, std] = ["mean", "std"].map((key) => triple(properties.get(key)));
  const preprocess = { ...(mean && { mean }), ...(std && { std }) };
  if (!labels && Object.keys(preprocess).length === 0) return null;
  return JSON.stringify({ labels, preprocess });
}

/** Strings in order, or by the numbers before them: `["a", "b"]`, `{0: 'a', 1: 'b'}`, `{"0": "a"}`, or a name a line. */
function labelsIn(text: string): string[] {
  const found: string[] = [];
  const entry = /(?:["']?(\d+)["']?\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;
  for (const [, index, single, double] of text.matchAll(entry)) {
    const at = index === undefined ? found.length : Number(index);
    if (at >= MAX_LABELS) return [];
    found[at] = (single ?? double ?? "").replace(/\\(.)/g, "$1");
  }
  if (found.length === 0 && /[\n,]/.test(text)) found.push(...text.split(/\s*[\n,]\s*/).filter(Boolean));
  return found.length <= MAX_LABELS && Object.keys(found).length === found.length ? found : [];
}

function triple(text = ""): number[] | null {
  const numbers = text.match(/-?\d+(\.\d+)?(e-?\d+)?/gi)?.map(Number) ?? [];
  return numbers.length === 3 ? numbers : null;
}
