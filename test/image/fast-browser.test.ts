import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { FastPictures } from "../../src/image/fast-browser.js";
import { sendBrowserImage } from "../../src/image/send-browser.js";
import { root } from "../built.js";

const openFast = () =>
  new FastPictures(
    new WebAssembly.Module(readFileSync(new URL("dist/pixels.wasm", root))),
    () => import("../../src/image/own.js"),
  );
const spec = { resize: 8, crop: [4, 8], interpolation: "bilinear" } as const;

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
  const fast = openFast();
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

test("a finished crop is taken as it is, where it is one", async () => {
  const crop = new Uint8ClampedArray(4 * 8 * 3);
  const fast = openFast();
  expect(await fast.crop({ crop }, [spec])).toEqual([crop]);
  expect(await sendBrowserImage({ crop })).toEqual([{ crop }, []]);
});

test.each([
  ["of another length", new Uint8ClampedArray(4 * 8 * 3 + 3)],
  ["of another kind", new Float32Array(4 * 8 * 3)],
  ["a caller's own property", true],
])("what has a crop that is none is no picture: %s", async (_, crop) => {
  await expect(openFast().crop({ crop } as never, [spec])).rejects.toMatchObject({ name: "ImageDecodeError" });
});

test("one crop is not the answer for several views", async () => {
  const given = { crop: new Uint8ClampedArray(4 * 8 * 3) };
  await expect(openFast().crop(given, [spec, spec])).rejects.toMatchObject({ name: "ImageDecodeError" });
});

test("an image with a property of that name is sent as an image", async () => {
  const image = { crop: "centre" };
  await expect(sendBrowserImage(image)).rejects.toMatchObject({ name: "ImageDecodeError" });
});
