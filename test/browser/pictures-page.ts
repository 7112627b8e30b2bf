// Runs in each browser: decodes every picture of the list, and posts what each differs by.
import { decodeInBrowser } from "../../src/image/decode-browser.js";
import { FastPictures } from "../../src/image/fast-browser.js";
import { cropped } from "../../src/image/preprocess.js";

const own = () => import("../../src/image/own.js");
const module = await WebAssembly.compile(await (await fetch("/dist/pixels.wasm")).arrayBuffer());
const fast = new FastPictures(module, own);
const bytesOf = async (name: string) => new Uint8Array(await (await fetch(name)).arrayBuffer());

async function compare(name: string, width: number, height: number, compared: boolean): Promise<number | string> {
  const path = `/pictures/${encodeURIComponent(name)}`;
  try {
    const blob = new Blob([await bytesOf(path)]);
    const pixels = await decodeInBrowser(blob, null, own);
    if (pixels.width !== width || pixels.height !== height) return `${pixels.width} x ${pixels.height}`;
    if (!compared) return "decoded, but not in Node";
    const rgb = await bytesOf(`${path}.rgb`);
    let largest = 0;
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = pixels.data[pixel * pixels.channels + channel]!;
        largest = Math.max(largest, Math.abs(value - rgb[3 * pixel + channel]!));
      }
    }
    // The same by the module of pixels: whole, and as networks see it.
    const whole = { resize: [height, width], crop: [height, width], mode: "squash" } as const;
    const specs = [whole, { resize: 40, crop: 32 }].map((it) => ({ ...it, interpolation: "bilinear" as const }));
    for (const [at, rgb] of (await fast.crop(blob, specs)).entries()) {
      const expected = cropped(pixels, specs[at]!);
      if (!rgb.every((value, index) => value === expected[index]))
        return `other pixels with ${JSON.stringify(specs[at])}`;
    }
    return largest;
  } catch (error) {
    return `${error}`;
  }
}

/** Pictures of which planes were read. */
let copied = 0;
const { copyTo } = VideoFrame.prototype;
VideoFrame.prototype.copyTo = function (...all) {
  copied++;
  return copyTo.apply(this, all);
};

const pictures: Record<string, number | string> = {};
for (const { name, width, height, compared } of await (await fetch("/pictures.json")).json())
  pictures[name] = await compare(name, width, height, compared);
await fetch("/reports", { method: "POST", body: JSON.stringify({ pictures, copied }) });
