import { expect, test } from "vitest";
import { wasm } from "../cpu/engine.js";
import { problemsOf } from "./cases.js";
import { setups } from "./run-record.js";

// Node 20 has a dot product of bytes behind a flag, and its first compiler gets it wrong: there, tiles with it are tried in Chromium alone.
const hasDot = Number.parseInt(process.versions.node, 10) >= 22;

test.each(setups.filter(({ dot }) => !dot || hasDot))("$simd, $name: as plain sums, to the bit", async (setup) => {
  const own = [await wasm(`int8-${setup.simd}`), await wasm(`int8-extended-${setup.simd}`)] as const;
  expect(await problemsOf(setup, ...own)).toEqual([]);
});
