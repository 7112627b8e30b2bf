import { parseJson } from "../../base/json.js";
import { shown } from "../../base/shown.js";
import type { Result, TextFormat } from "./result.js";
import type { Stamp } from "./stamp.js";

type Line = Omit<Result, "stamp"> & Partial<Stamp>;

/** One object a line: that of `--json`, then the file's size and time of change, and which model and options answered. */
export const jsonLines: TextFormat = {
  head: "",
  isQuoted: false,
  write({ image, predictions, logits, ms, error, stamp, run }) {
    const line: Line = { image, predictions, ms, logits, error, ...stamp, run };
    return `${shown(JSON.stringify(line))}\n`;
  },
  read(text) {
    const { bytes, modified, ...result } = parseJson(text, "It") as Line;
    if (typeof result.image !== "string" || typeof result.run !== "string")
      throw new Error("It has no image or no run.");
    const isStamped = typeof bytes === "number" && typeof modified === "string";
    return { ...result, stamp: isStamped ? { bytes, modified } : null };
  },
  canBegin(text) {
    const begin = '{"image":"';
    return text.startsWith(begin) || begin.startsWith(text);
  },
};
