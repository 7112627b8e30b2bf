import type { Prediction } from "../../options.js";
import type { Result } from "./result.js";

export type Kind = "text" | "number" | "integer";

/** One column of a table of results. */
export interface Column {
  readonly name: string;
  readonly kind: Kind;
  /** Null where the field is empty. */
  readonly of: (result: Result) => string | number | null;
}

/** The columns of a table: the best `topK` classes have three each. */
export function columnsFor(topK: number, logits: boolean): readonly Column[] {
  const column = (name: string, kind: Kind, of: Column["of"]): Column => ({ name, kind, of });
  const columns = [
    column("image", "text", ({ image }) => image),
    column("bytes", "integer", ({ stamp }) => stamp?.bytes ?? null),
    column("modified", "text", ({ stamp }) => stamp?.modified ?? null),
    column("run", "text", ({ run }) => run),
    column("decode_ms", "number", ({ ms }) => ms?.decode ?? null),
    column("preprocess_ms", "number", ({ ms }) => ms?.preprocess ?? null),
    column("inference_ms", "number", ({ ms }) => ms?.inference ?? null),
    column("error", "text", ({ error }) => error?.name ?? null),
    column("message", "text", ({ error }) => error?.message ?? null),
  ];
  for (let place = 1; place <= topK; place++) {
    const at = ({ predictions }: Result) => predictions?.[place - 1];
    columns.push(column(`index_${place}`, "integer", (result) => at(result)?.index ?? null));
    columns.push(column(`label_${place}`, "text", (result) => at(result)?.label ?? null));
    columns.push(column(`score_${place}`, "number", (result) => at(result)?.score ?? null));
  }
  if (logits) columns.push(column("logits", "text", (result) => result.logits?.join(" ") ?? null));
  return columns;
}

/** A result of its fields, by the names of their columns. Throws where there is no image or no run. */
export function resultOf(fields: ReadonlyMap<string, string | number | null>): Result {
  const text = (name: string) => {
    const value = fields.get(name);
    return value == null || value === "" ? null : String(value);
  };
  const number = (name: string) => (text(name) === null ? null : Number(text(name)));
  const [image, run] = [text("image"), text("run")];
  if (image === null || run === null) throw new Error("It has no image or no run.");
  const [bytes, modified] = [number("bytes"), text("modified")];
  const stamp = bytes === null || modified === null ? null : { bytes, modified };
  const name = text("error");
  if (name !== null) return { image, run, stamp, error: { name, message: text("message") ?? "" } };
  const predictions: Prediction[] = [];
  for (let place = 1; ; place++) {
    const [index, score] = [number(`index_${place}`), number(`score_${place}`)];
    if (index === null || score === null) break;
    predictions.push({ index, label: text(`label_${place}`) ?? "", score });
  }
  const ms = {
    decode: number("decode_ms") ?? 0,
    preprocess: number("preprocess_ms") ?? 0,
    inference: number("inference_ms") ?? 0,
  };
  const logits = text("logits");
  return { image, run, stamp, predictions, ms, ...(logits !== null && { logits: logits.split(" ").map(Number) }) };
}
