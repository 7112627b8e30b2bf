import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as limits from "../src/limits.js";
import { root } from "./built.js";

test("SECURITY.md's table has every bound, at its value", async () => {
  const text = await readFile(new URL("SECURITY.md", root), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\| +([\d,]+) \|/gm)];
  const stated = Object.fromEntries(rows.map(([, name, value]) => [name, Number(value!.replaceAll(",", ""))]));
  const held = Object.fromEntries(Object.entries(limits).filter(([, value]) => typeof value === "number"));
  expect(stated).toEqual(held);
});
