import { ModelFormatError } from "../errors.js";
import { MAX_LABELS } from "../limits.js";

// Values out of JSON that strangers wrote: each function returns what it names or throws `ModelFormatError`.

export type Json = Readonly<Record<string, unknown>>;

export function object(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null) throw refuse(where, value, "an object");
  return value as Json;
}

export function number(value: unknown, where: string, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw refuse(where, value, `a number from ${least} to ${most}`);
}

export function wholeNumber(value: unknown, where: string): number {
  if (Number.isInteger(number(value, where, 1, 16384))) return value as number;
  throw refuse(where, value, "a whole number");
}

export function triple(value: unknown, where: string): [number, number, number] {
  if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite))
    return value as [number, number, number];
  throw refuse(where, value, "three numbers");
}

export function refuse(where: string, value: unknown, expected: string): ModelFormatError {
  return new ModelFormatError(`${where} is ${show(value)}; expected ${expected}.`);
}

/** A list of strings, or Transformers' `id2label`: an object from "0", "1" ... to strings. */
export function classLabels(value: unknown): string[] {
  const entries = Object.entries(object(value, "labels"));
  if (entries.length > MAX_LABELS) throw refuse("the number of labels", entries.length, `at most ${MAX_LABELS}`);
  const labels = new Array<string>(entries.length);
  for (const [key, label] of entries) {
    const index = Number(key);
    // "00" would be a second name of class 0, and leave the last class without one.
    const known = Number.isInteger(index) && index >= 0 && index < entries.length && String(index) === key;
    if (!known || typeof label !== "string") {
      throw refuse(`the label of class ${key.slice(0, 40)}`, label, `a string, for classes 0 to ${entries.length - 1}`);
    }
    labels[index] = label;
  }
  return labels;
}

export const show = (value: unknown) => String(JSON.stringify(value)).slice(0, 80);
