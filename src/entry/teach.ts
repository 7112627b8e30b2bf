// "resnet-edge/teach" for pages: what is made of features.

import { fetchKernels } from "../host/fetch-kernels.js";
import { kernelFiles } from "../host/kernel-files.js";
import { pageSide } from "../host/page.js";
import type { BrowserImage } from "../image/kinds.js";
import { ByteGallery } from "../nearest/gallery.js";
import type { Gallery } from "../nearest/kinds.js";
import { createTeacherOn } from "../teach/create.js";
import type { CreateTeacher } from "../teach/kinds.js";
import { startWorker } from "../worker/handle/start.js";
import { beside } from "../worker/handle/start-web.js";
import { openSession } from "../worker/session.js";

export { drawHeatMap } from "../features/draw-canvas.js";
export type { BrowserImage } from "../image/kinds.js";
export * from "./public-teach.js";

const ownKernel = () => beside(import.meta.url, () => new URL("./nearest.wasm", import.meta.url));

/** An empty gallery of vectors of one length. `wasm`: the address of nearest.wasm, where it does not lie beside the library. */
export async function createGallery(dimension: number, { wasm }: { wasm?: string | URL } = {}): Promise<Gallery> {
  return new ByteGallery(await fetchKernels(wasm ?? ownKernel()), dimension);
}

const host = {
  ...pageSide,
  startWorker,
  openInPlace: async (...all: Parameters<import("../host/entry-host.js").EntryHost["openInPlace"]>) =>
    (await import("./page-in-place.js")).openInPlace(kernelFiles, ...all),
};

/** A teacher on a backbone: whatever `loadClassifier` takes, with its options. */
export const createTeacher: CreateTeacher<BrowserImage> = (backbone, options) =>
  createTeacherOn(
    {
      ...host,
      loadTorch: () => import("../weights/torch.js"),
      loadForeign: () => import("../weights/foreign.js"),
      open: (...all) => openSession(host, ...all),
    },
    backbone,
    options,
  );
