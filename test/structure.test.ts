import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const files = ["src", "assembly"]
  .flatMap((folder) => (readdirSync(folder, { recursive: true }) as string[]).map((name) => resolve(folder, name)))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const nameOf = (file: string) => relative(".", file).replaceAll("\\", "/");

/** Files of the package that a file imports, for types too. */
function importsOf(file: string): string[] {
  const found = readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  const named = [...found].map(([, name]) => join(dirname(file), name!.replace(/\.js$/, ".ts")));
  return named.map((name) => (existsSync(name) ? name : `${name}.ts`)).filter((name) => name.endsWith(".ts"));
}

const imports = new Map(files.map((file) => [nameOf(file), importsOf(file).map(nameOf)]));

/** Rows of the guide's table, from the top; a name is a folder with all in it, or a file. */
const rows = readFileSync("docs/architecture.md", "utf8")
  .split("<!-- rooms -->")[1]!
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));

/** The room that a file is in: the longest name that it begins with. */
function roomOf(file: string): { room: string; row: number } {
  const bare = file.replace(/^src\//, "").replace(/\.ts$/, "");
  const all = rows.flatMap((names, row) => names.map((room) => ({ room, row })));
  const own = all.filter(({ room }) => (room.endsWith("/") ? bare.startsWith(room) : bare === room));
  return own.sort((a, b) => b.room.length - a.room.length)[0] ?? { room: `none for ${file}`, row: -1 };
}

test("the imports of all files are seen", () => {
  expect(imports.size).toBeGreaterThan(200);
  for (const names of imports.values()) for (const name of names) expect(imports.has(name), name).toBe(true);
});

test("no file imports itself by way of others, not even for types", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
    else if (!done.has(file)) for (const next of imports.get(file)!) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  expect(circles).toEqual([]);
});

test("every file is in a room of the guide's table, and every room has files", () => {
  const found = new Set([...imports.keys()].map((file) => roomOf(file).room));
  expect([...found].sort()).toEqual(rows.flat().sort());
});

test("rooms import only from rows below their own", () => {
  const wrong: string[] = [];
  for (const [file, names] of imports) {
    const from = roomOf(file);
    for (const name of names) {
      const to = roomOf(name);
      if (to.room !== from.room && to.row <= from.row) wrong.push(`${file} > ${name}`);
    }
  }
  expect(wrong).toEqual([]);
});

// A worker that is ended in a call of these takes the process with it: an assertion in Node 20's FileHandle::ClosePromise.
test("nothing that runs in workers uses Node's file promises", () => {
  const users = [...imports.keys()].filter((file) => readFileSync(file, "utf8").includes('"node:fs/promises"'));
  expect(users.filter((file) => !/^src\/(cli|catalogue)\//.test(file))).toEqual(["src/host/file-calls.ts"]);
});
