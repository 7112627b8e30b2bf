import { unknown } from "../../base/nearest.js";
import { ModelFormatError, OptionError } from "../../errors.js";
import type { Architecture } from "../../graph/network.js";

/** What a field accepts: one of these words or numbers, or what the function lets through. */
type Field = readonly (string | number | boolean)[] | ((value: unknown, refuse: (message: string) => Error) => unknown);

const within = (least: number, most: number) => (value: unknown) =>
  typeof value === "number" && value >= least && value <= most ? value : undefined;
const whole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) ? within(least, most)(value) : undefined;
const text = (value: unknown) => (typeof value === "string" && value.length <= 200 ? value : undefined);
const count = whole(1, 65536);

/** Lists are of 64 entries at most; each must be let through. */
const list = (entry: (value: unknown) => unknown) => (value: unknown) => {
  if (!Array.isArray(value) || value.length === 0 || value.length > 64) return undefined;
  const entries = value.map(entry);
  return entries.includes(undefined) ? undefined : entries;
};

/** Words are compared without case, hyphens and underscores: `LeakyReLU` is "leaky-relu". */
const plain = (word: unknown) => (typeof word === "string" ? word.toLowerCase().replace(/[-_ ]/g, "") : word);
const oneOf = (known: readonly unknown[]) => (value: unknown) => known.find((word) => plain(word) === plain(value));

export const activations = ["relu", "leaky-relu", "relu6", "silu", "gelu", "elu"] as const;
export const shortcuts = [
  "projection",
  "average-projection",
  "zero-pad-symmetric",
  "zero-pad-end",
  "zero-pad-average-symmetric",
  "zero-pad-average-end",
  "none",
] as const;
/** What a head may consist of. */
const headLayers = [
  "linear",
  "cosine",
  "batchnorm",
  "dropout",
  "flatten",
  "identity",
  "softmax",
  "log-softmax",
  ...activations,
];
const headLayer = (word: unknown) => oneOf(headLayers)(String(plain(word)).replace(/1d$/, ""));

const poolFields = new Map<string, Field>([
  ["kernel", whole(1, 16)],
  ["stride", whole(1, 16)],
  ["padding", whole(0, 8)],
  ["ceilMode", [true, false]],
]);

const fields: ReadonlyMap<string, Field> = new Map<keyof Architecture, Field>([
  ["name", text],
  ["block", ["basic", "bottleneck"]],
  ["stem", ["7x7", "3x3", "deep"]],
  ["stemWidth", count],
  ["stemStride", [1, 2]],
  ["maxPool", (value, refuse) => oneOf(["none"])(value) ?? keep(value, poolFields, refuse)],
  ["layers", list(count)],
  ["widths", list(count)],
  ["groups", count],
  ["widthPerGroup", within(1e-4, 65536)],
  ["shortcut", shortcuts],
  ["strideIn", ["3x3", "1x1"]],
  ["firstStageStride", [1, 2]],
  ["stageStrides", list(whole(1, 8))],
  ["dilations", list(whole(1, 64))],
  ["replaceStrideWithDilation", list(oneOf([true, false]))],
  ["activation", activations],
  ["activationSlope", within(0, 1)],
  ["activationAfterSum", [true, false]],
  ["antiAliasing", ["none", "blur", "average"]],
  ["residualScale", within(-1e6, 1e6)],
  ["globalPool", ["average", "max"]],
  ["classes", whole(0, 65536)],
  ["head", list(headLayer)],
  ["cosineScale", within(-1e6, 1e6)],
  ["headPrefix", text],
  ["prefix", text],
  ["loraScale", within(-1e6, 1e6)],
  ["scores", ["softmax", "sigmoid", "none"]],
  ["epsilon", within(1e-12, 0.999)],
  ["padding", ["symmetric", "same"]],
  ["normGroups", count],
  ["shortcutFrom", ["input", "activation"]],
  ["weightStandardization", [true, false]],
  ["attention", ["none", "se", "eca"]],
]);

/** What metadata says besides, for people. */
const remarks = ["family"];

/**
 * Keeps the fields of `Architecture` that a file's metadata or a caller states, and checks their values. A field that is not
 * known is refused: what it says would be ignored, and the answers wrong. Throws `ModelFormatError`, or `OptionError` where the
 * caller stated them; each names the nearest known field.
 */
export function checkArchitecture(stated: unknown, origin: "file" | "caller"): Partial<Architecture> {
  const error = (message: string) =>
    origin === "caller"
      ? new OptionError(`The architecture option: ${message}`)
      : new ModelFormatError(`The file's metadata: ${message}`);
  const kept = keep(stated, fields, error);
  if (kept) return kept;
  throw error("architecture is not an object.");
}

function keep(
  stated: unknown,
  known: ReadonlyMap<string, Field>,
  refuse: (message: string) => Error,
): Record<string, unknown> | undefined {
  if (typeof stated !== "object" || stated === null || Array.isArray(stated)) return undefined;
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(stated)) {
    const field = known.get(name);
    if (!field) {
      if (remarks.includes(name)) continue;
      throw refuse(unknown("field", name, [...known.keys()]).message);
    }
    if (value == null) continue;
    const taken = typeof field === "function" ? field(value, refuse) : oneOf(field)(value);
    if (taken === undefined) {
      const among = typeof field === "function" ? "." : `; it is one of ${field.join(", ")}.`;
      throw refuse(`architecture.${name} = ${JSON.stringify(value)?.slice(0, 80)} cannot be${among}`);
    }
    kept[name] = taken;
  }
  return kept;
}
