import { edges, type Random } from "./random.js";

/** JSON text of any kind, sound as a rule; with members of one name, nesting, odd numbers and escapes. */
export function anyJson(random: Random, depth = 0): string {
  const kind = random.below(depth > 5 ? 5 : 9);
  const space = () => (random.chance(0.1) ? random.of([" ", "\n", "\t  "]) : "");
  if (kind < 1) return random.of(["null", "true", "false", "1e5", "-0", "1.5E-3"]);
  if (kind < 3) return String(random.of(edges));
  if (kind < 5) return anyString(random);
  if (random.chance(0.002)) return "[".repeat(random.below(200)) + "]".repeat(random.below(200));
  const items = Array.from({ length: random.below(5) }, () => anyJson(random, depth + 1));
  if (kind < 7) return `[${space()}${items.join(`${space()},${space()}`)}]`;
  return `{${space()}${items.map((item) => `${anyString(random)}${space()}:${space()}${item}`).join(`,${space()}`)}}`;
}

function anyString(random: Random): string {
  const parts = ["a", "b", "\\u0061", '\\"', "\\\\", "{", "}", ":", ",", "é", "\\ud800", "__proto__", ""];
  return `"${Array.from({ length: random.below(3) }, () => random.of(parts)).join("")}"`;
}

/** An independent reader: the value, or undefined where the text is no JSON or has a member's name twice. */
export function referenceJson(text: string): { value: unknown } | undefined {
  let at = 0;
  const skip = () => {
    while (at < text.length && " \t\n\r".includes(text[at]!)) at++;
  };
  const expected = (token: string) => {
    if (!text.startsWith(token, at)) throw new SyntaxError(token);
    at += token.length;
  };
  const string = (): string => {
    const from = at;
    expected('"');
    while (text[at] !== '"') {
      if (at >= text.length) throw new SyntaxError("end");
      at += text[at] === "\\" ? 2 : 1;
    }
    at++;
    return JSON.parse(text.slice(from, at));
  };
  const list = (end: string, item: () => void) => {
    at++;
    skip();
    for (let first = true; text[at] !== end; first = false) {
      if (!first) expected(",");
      skip();
      item();
      skip();
    }
    at++;
  };
  const value = (): unknown => {
    skip();
    if (text[at] === "{") {
      const members = new Map<string, unknown>();
      list("}", () => {
        const name = string();
        if (members.has(name)) throw new SyntaxError("twice");
        skip();
        expected(":");
        members.set(name, value());
      });
      return Object.fromEntries(members);
    }
    if (text[at] === "[") {
      const items: unknown[] = [];
      list("]", () => items.push(value()));
      return items;
    }
    if (text[at] === '"') return string();
    const token = /[-+.\w]+/y;
    token.lastIndex = at;
    const [found] = token.exec(text) ?? [""];
    at += found.length;
    return JSON.parse(found);
  };
  try {
    const found = value();
    skip();
    return at === text.length ? { value: found } : undefined;
  } catch {
    return undefined;
  }
}
