import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as record from "../assembly/shared/record.js";
import { kernels } from "../src/cpu/choose/choose.js";
import { root } from "./built.js";

const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const exists = (path: string) => existsSync(new URL(path, root));

const documents = ["README.md", "CONTRIBUTING.md", ...readdirSync(new URL("docs/", root)).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .filter(exists);

/** Folders in which a path may begin; a document may also write it as seen from src/. */
const folders = ["src", "assembly", "test", "scripts", "docs", "bench", "examples", "models", "bin", ".github"];
const within = readdirSync(new URL("src/", root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Every path that a text names in one of these folders: of a file, or of a folder with its closing slash. */
function pathsIn(text: string): string[] {
  const named = text.matchAll(
    /(?<![\w./@-])(\.?[a-z-]+\/[\w./*-]*(?:\.(?:ts|mjs|js|json|md|py|ya?ml)|\/|\/\*))(?![\w*])/g,
  );
  return [...named]
    .map(([, path]) => path!)
    .filter((path) => !path.includes("*") && [...folders, ...within].includes(path.split("/")[0]!));
}

test.each(documents)("every file that %s names is there", (name) => {
  const missing = pathsIn(read(name)).filter((path) => !exists(path) && !exists(`src/${path}`));
  expect(missing).toEqual([]);
});

test("such a check finds what is missing", () => {
  expect(pathsIn("`src/a.ts`, `cpu/b.ts` and test/x/; src/cpu/lower*.ts")).toEqual(["src/a.ts", "cpu/b.ts", "test/x/"]);
});

test.each(documents)("every link of %s leads somewhere", (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, path]) => path!);
  const missing = links.filter((path) => !existsSync(new URL(path, new URL(name, root))));
  expect(missing).toEqual([]);
});

test.each(["docs/architecture.md", "docs/extending.md"].filter(exists))(
  "every name that %s places in a file stands there",
  (name) => {
    const text = read(name);
    const placed = [
      ...text.matchAll(/`(\w+)` \(`((?:src|assembly|test)\/[\w./-]+)`\)/g),
      ...text.matchAll(/`(\w+)` in `((?:src|assembly|test)\/[\w./-]+)`/g),
    ];
    expect(placed.length).toBeGreaterThan(5);
    const missing = placed.filter(([, word, path]) => !new RegExp(`\\b${word}\\b`).test(read(path!)));
    expect(missing.map(([all]) => all)).toEqual([]);
  },
);

describe("docs/kernels.md", () => {
  const text = read("docs/kernels.md");
  const words = new Set([...text.matchAll(/`([\w.]+)`/g)].map(([, word]) => word!));
  const names = (values: object) => Object.keys(values).filter((name) => Number.isNaN(Number(name)));

  test("has every field of a record, and no other", () => {
    const families = Object.entries(record).filter(([name]) => name.endsWith("Field"));
    expect(families.length).toBe(11);
    const known = families.flatMap(([, family]) => names(family));
    expect(known.filter((field) => field !== "size" && !words.has(field))).toEqual([]);
    const table = text.split("| record fields").at(1)!.split("\n\n")[0]!;
    const fields = [...table.matchAll(/`([a-z]+(?:[A-Z]\w*)?)`/g)].map(([, field]) => field!);
    const forms = ["panels", "winograd4", "winograd2", "stem7x7", "integers"];
    expect(fields.filter((field) => !known.includes(field) && !forms.includes(field))).toEqual([]);
  });

  test("has every kernel that a report names, and every shader", () => {
    const names = readdirSync(new URL("src/cpu/", root), { recursive: true }) as string[];
    const sources = names.filter((name) => name.endsWith(".ts"));
    const code = sources.map((name) => read(`src/cpu/${name}`)).join("");
    const reported = [...code.matchAll(/"((?:f32|qs8)_\w+)"/g)].map(([, kernel]) => kernel!);
    expect([...reported, ...kernels().map(({ name }) => name)].filter((kernel) => !words.has(kernel))).toEqual([]);
    const shaders = readdirSync(new URL("src/gpu/wgsl/", root)).filter((name) => name !== "shader.ts");
    expect(shaders.filter((name) => !text.includes(`src/gpu/wgsl/${name}`))).toEqual([]);
  });

  test("has every choice of the options that force a kernel", () => {
    const convolution = /convolution\?: (.*);/.exec(read("src/options.ts"))![1]!.split(" | ");
    for (const choice of convolution) expect(text).toContain(choice);
  });
});
