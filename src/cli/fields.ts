import { shown } from "../base/shown.js";
import { OptionError } from "../errors.js";

type Fields = Record<string, unknown>;

/**
 * What `--architecture` and `--preprocess` state, all of them put together: `strideIn=1x1`, several after commas, a list as
 * `layers=3,4,6,3`, a field of a field as `maxPool.padding=0`, or a JSON object. Values are JSON where they parse, else words.
 * A word alone is a name, for `named`. Which fields there are is the library's to say.
 */
export function readFields(flag: string, texts: readonly string[], named?: (name: string) => Fields): Fields {
  const fields: Fields = {};
  for (const text of texts) {
    if (text.trimStart().startsWith("{")) Object.assign(fields, jsonObject(flag, text));
    else if (text.includes("=")) addPairs(flag, text, fields);
    else if (named) Object.assign(fields, named(text));
    else throw new OptionError(`${flag} is "${text}"; it must be name=value, or a JSON object.`);
  }
  return fields;
}

function jsonObject(flag: string, text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch (cause) {
    throw new OptionError(
      `${flag} is not JSON: ${(cause as Error).message}. Quote it for the shell: '{"name":"value"}'.`,
    );
  }
}

function addPairs(flag: string, text: string, fields: Fields): void {
  /** The list that pieces without a name belong to. */
  let last: { into: Fields; key: string } | null = null;
  for (const piece of splitOutside(text)) {
    const [, path, value] = /^\s*([\w.-]+)\s*=(.*)$/s.exec(piece) ?? [];
    if (path === undefined) {
      if (!last) throw new OptionError(`${flag} has "${shown(piece)}"; it must be name=value.`);
      const before = last.into[last.key];
      last.into[last.key] = [...(Array.isArray(before) ? before : [before]), word(piece)];
      continue;
    }
    const keys = path.split(".");
    const key = keys.pop()!;
    let into = fields;
    for (const step of keys) {
      if (!Object.hasOwn(into, step) || Object(into[step]) !== into[step]) put(into, step, {});
      into = into[step] as Fields;
    }
    put(into, key, word(value!));
    last = { into, key };
  }
}

/** Also for "__proto__": a name like any other, which nothing knows. */
function put(into: Fields, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}

/** At commas that stand in no brackets and no quotes. */
function splitOutside(text: string): string[] {
  return text.match(/(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^,])+/g) ?? [];
}

function word(text: string): unknown {
  const value = text.trim();
  try {
    return JSON.parse(value);
  } catch {
    const [, inside] = /^\[(.*)\]$/s.exec(value) ?? [];
    return inside === undefined ? value : inside.split(",").map(word);
  }
}
