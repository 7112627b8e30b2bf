// Runs in each browser: decodes every picture of the list, and posts what each differs by.
import { decodeInBrowser } from "../../src/image/decode-browser.js";
import { FastPictures } from "../../src/image/fast-browser.js";
import { cropped, preprocess } from "../../src/image/preprocess.js";

const own = () => import("../../src/image/own.js");
const module = await WebAssembly.compile(await (await fetch("/dist/pixels.wasm")).arrayBuffer());
const fast = new FastPictures(module, own);
const dist = "/dist/index.js";
const library: typeof import("../../src/entry/index.js") = await import(dist);
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
    const small = { ...specs[1]!, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } as const;
    const before = copied;
    const input = await library.preprocess(blob, small);
    prepared += copied - before;
    copied = before;
    const expected = preprocess(pixels, small);
    if (input.length !== expected.length || !input.every((value, index) => value === expected[index]))
      return "another input by preprocess()";
    return largest;
  } catch (error) {
    return `${error}`;
  }
}

/** Pictures of which planes were read. */
let copied = 0;
/** The same, by the library's `preprocess`. */
let prepared = 0;
const { copyTo } = VideoFrame.prototype;
VideoFrame.prototype.copyTo = function (...all) {
  copied++;
  return copyTo.apply(this, all);
};

// The first picture of a page is read without the module of pixels.
await library.preprocess(
  { data: new Uint8Array(3), width: 1, height: 1 },
  { resize: 1, crop: 1, interpolation: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] },
);
const pictures: Record<string, number | string> = {};
for (const { name, width, height, compared } of await (await fetch("/pictures.json")).json())
  pictures[name] = await compare(name, width, height, compared);
await fetch("/reports", { method: "POST", body: JSON.stringify({ pictures, copied, prepared }) });
