import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { written } from "../scripts/tiles.mjs";

test.each(written)("$path is what npm run tiles writes", ({ path, text }) => {
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("every file that says so is written", () => {
  expect(written.map(({ path }) => path).sort()).toEqual([
    "assembly/extended/strips.ts",
    "assembly/gemm/gemm.ts",
    "assembly/gemm/igemm-16.ts",
    "assembly/gemm/igemm-8.ts",
    "assembly/int8/columns.ts",
    "assembly/int8/tiles.ts",
  ]);
});
