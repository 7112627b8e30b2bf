import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { root } from "../built.js";

const spec = { resize: 2, crop: 2, interpolation: "bilinear" } as const;
const wasm = async () => new WebAssembly.Module(readFileSync(new URL("dist/pixels.wasm", root)));

test("a worker's first picture may be a crop that was made elsewhere: a model's worker that was started again has had none", async () => {
  vi.resetModules();
  const { later } = await import("../../src/host/later.js");
  const crop = new Uint8ClampedArray(12);
  const host = { ...later, wasm } as never;
  expect(await later.crop.call(host, { crop }, [spec], null)).toEqual([crop]);
});

test("of a small picture it is left to others, without more files", async () => {
  vi.resetModules();
  const { later } = await import("../../src/host/later.js");
  const fetched = vi.fn(wasm);
  const host = { ...later, wasm: fetched } as never;
  expect(await later.crop.call(host, new Blob(["small"]), [spec], null)).toBeNull();
  expect(fetched).not.toHaveBeenCalled();
});
