import type { CropSpec } from "../image/preprocess.js";
import type { ClassifyOptions } from "../options.js";

/** To the worker that reads frames: how they are cropped, and then one after the other. */
export type FrameOrder =
  | { readonly spec: CropSpec; readonly part: Pick<ClassifyOptions, "region" | "rotation"> | undefined }
  | { readonly frame: VideoFrame };

/** From it, for each frame: [height, width, 3] bytes, or null where it could not be read. */
export type FrameNews = { readonly crop: Uint8ClampedArray<ArrayBuffer> | null };
