import { afterEach, expect, test, vi } from "vitest";
import { sendBitmap } from "../../src/image/send-bitmap.js";

afterEach(() => vi.unstubAllGlobals());

test("a bitmap that may not be read is closed, and the error says why", async () => {
  const close = vi.fn();
  vi.stubGlobal("createImageBitmap", async () => ({ width: 4, height: 3, close }));
  const refuse = () => {
    throw new DOMException("The canvas has been tainted.", "SecurityError");
  };
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      getContext = () => ({ drawImage() {}, getImageData: refuse });
    },
  );
  const sent = sendBitmap({ width: 4, height: 3 } as never);
  await expect(sent).rejects.toMatchObject({
    name: "ImageDecodeError",
    message: expect.stringMatching(/may not be read/),
  });
  expect(close).toHaveBeenCalledOnce();
});
