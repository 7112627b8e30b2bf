import { ModelFormatError } from "../errors.js";
import { MAX_HEADER_BYTES, MAX_JSON_VALUES, MAX_NESTING } from "../limits.js";

/**
 * `JSON.parse` for text that strangers wrote, or its bytes: its size, nesting and number of values are bounded before anything is made of it, and
 * two members of one name are refused. `what` begins the message of the `ModelFormatError`.
 */
export function parseJson(source: string | Uint8Array, what: string): unknown {
  const refuse = (found: string): never => {
    throw new ModelFormatError(`${what} ${found}.`);
  };
  if (source.length > MAX_HEADER_BYTES) refuse(`takes ${source.length} bytes; at most ${MAX_HEADER_BYTES} are read`);
  try {
    const text = typeof source === "string" ? source : new TextDecoder("utf-8", { fatal: true }).decode(source);
    check(text, refuse);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw cause;
    throw new ModelFormatError(`${what} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}

function check(text: string, refuse: (found: string) => never): void {
  /** The names in each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === '"') {
      const begin = at;
      do at = text.indexOf('"', at + 1);
      while (at > 0 && isEscaped(text, at));
      // What does not end is JSON.parse's to refuse.
      if (at < 0) break;
      const names = open.at(-1);
      if (!names || !isName(text, at + 1)) continue;
      const name = text.slice(begin, at + 1);
      if (names.size === names.add(unescaped(name)).size) refuse(`has ${name.slice(0, 80)} twice`);
    } else if (letter === "}" || letter === "]") open.pop();
    else if (letter === "," || letter === "{" || letter === "[") {
      if (++values > MAX_JSON_VALUES) refuse(`has more than ${MAX_JSON_VALUES} values`);
      if (letter === ",") continue;
      if (open.push(letter === "{" ? new Set() : null) > MAX_NESTING) refuse(`is nested more than ${MAX_NESTING} deep`);
    }
  }
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - slashes - 1] === "\\") slashes++;
  return slashes % 2 === 1;
}

function isName(text: string, at: number): boolean {
  let after = at;
  while (text.charCodeAt(after) <= 32) after++;
  return text[after] === ":";
}

/** "\u0061" is "a" once more. */
function unescaped(name: string): string {
  if (!name.includes("\\")) return name.slice(1, -1);
  try {
    return JSON.parse(name);
  } catch {
    return name;
  }
}
