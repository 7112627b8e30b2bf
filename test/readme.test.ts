import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { root } from "./built.js";

const read = (path: string) => readFileSync(new URL(path, root), "utf8");

interface Run {
  readonly model: string;
  readonly flags: string | null;
  readonly measured: readonly { readonly name: string; readonly median: number }[];
}

/** Cells of the row of README.md's table that begins so. */
function row(name: string): string[] {
  const line = read("README.md")
    .split("\n")
    .find((text) => text.startsWith(`| ${name}`));
  return line!.split("|").map((cell) => cell.trim());
}

/** Median ms of this library and of the fastest other engine in a browser, for a model of a committed run without flags. */
function medians(file: string, model: string): [own: string, other: string] {
  const runs = JSON.parse(read(`bench/results/${file}.json`)) as Run[];
  const { measured } = runs.find((it) => it.model === model && !it.flags)!;
  const [own] = measured;
  const others = measured.filter(({ name }) => !/^resnet-edge|native/.test(name)).map(({ median }) => median);
  return [own!.median.toFixed(0), Math.min(...others).toFixed(0)];
}

test.each([
  ["one answer in float", "peers-1-thread"],
  ["one answer in int8", "peers-int8"],
])("README's figures of %s are those of bench/results/%s.json", (name, file) => {
  const [small, large] = ["resnet18", "resnet50"].map((model) => medians(file, model));
  expect(row(name).slice(2, 4)).toEqual([`${small![0]} / ${large![0]} ms`, `${small![1]} / ${large![1]} ms`]);
});

test("every npm script and test that README names is there", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = [...read("README.md").matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!);
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
  for (const [, path] of read("README.md").matchAll(/vitest run ([\w/]+)/g)) {
    expect(
      ["", ".test.ts", "/"].some((end) => readable(`${path}${end}`)),
      path,
    ).toBe(true);
  }
});

function readable(path: string): boolean {
  try {
    read(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}

test("README fits on a screen: 60 lines", () => {
  expect(read("README.md").split("\n").length).toBeLessThanOrEqual(60);
});
