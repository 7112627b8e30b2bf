import type { Crop } from "../image/crop.js";
import type { FastPictures } from "../image/fast-browser.js";
import type { BrowserImage } from "../image/kinds.js";
import type { Host } from "./host.js";

export type Later =
  | "loadGpu"
  | "loadCheck"
  | "loadFeatures"
  | "loadTorch"
  | "loadOnnx"
  | "loadForeign"
  | "loadIntegers"
  | "loadUnusual"
  | "loadOwnPictures"
  | "crop";

/** A first picture of more bytes is worth another two files at once. */
const LARGE_BYTES = 1 << 20;
let pictures = 0;
let fast: Promise<FastPictures | null> | undefined;

/** Code that a page loads when it is needed. A service worker may not import later, and has all of it in its file. */
export const later: Required<Pick<Host, Later>> & ThisType<Host> = {
  loadGpu: () => import("./gpu-path.js"),
  loadCheck: () => import("../check/index.js"),
  loadFeatures: () => import("../features/index.js"),
  loadTorch: () => import("../weights/torch.js"),
  loadOnnx: () => import("../model/onnx/index.js"),
  loadForeign: () => import("../weights/foreign.js"),
  loadIntegers: () => import("../model/integers/index.js"),
  loadUnusual: () => import("../model/unusual/index.js"),
  loadOwnPictures: () => import("../image/own.js"),
  async crop(image, ...all) {
    const { size = 0, crop } = Object(image) as Partial<Blob & Crop>;
    // A crop that was made elsewhere is read in no other way.
    if (pictures++ === 0 && !(size > LARGE_BYTES || crop)) return null;
    // Where the module is missing, or against a policy, pictures are read all the same.
    fast ??= import("../image/fast-browser.js").then(({ open }) => open(this)).catch(() => null);
    return (await fast)?.crop(image as BrowserImage, ...all) ?? null;
  },
};
