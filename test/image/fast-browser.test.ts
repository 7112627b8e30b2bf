import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { FastPictures } from "../../src/image/fast-browser.js";
import { root } from "../built.js";

test("a picture that the browser has decoded after the abort is closed", async () => {
  const close = vi.fn();
  let give!: (decoded: unknown) => void;
  const decoded = new Promise((resolve) => {
    give = resolve;
  });
  const decode = vi.fn(() => decoded);
  vi.stubGlobal(
    "ImageDecoder",
    class {
      decode = decode;
      close() {}
    },
  );
  const module = new WebAssembly.Module(readFileSync(new URL("dist/pixels.wasm", root)));
  const fast = new FastPictures(module, () => import("../../src/image/own.js"));
  const controller = new AbortController();
  const blob = new Blob([readFileSync(new URL("examples/photos/cat.jpg", root))]);
  const cropping = fast.crop(blob, [{ resize: 8, crop: 8, interpolation: "bilinear" }], controller.signal);
  await vi.waitFor(() => expect(decode).toHaveBeenCalled());
  controller.abort();
  await expect(cropping).rejects.toMatchObject({ name: "AbortError" });
  expect(close).not.toHaveBeenCalled();
  give({ image: { close } });
  await new Promise((resolve) => setTimeout(resolve));
  expect(close).toHaveBeenCalledOnce();
});
