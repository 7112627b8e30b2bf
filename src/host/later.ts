import type { Host } from "./host.js";

/** Code that a page loads when it is needed. A service worker may not import later, and has all of it in its file. */
export const later: Required<Pick<Host, "loadGpu" | "loadCheck" | "loadTorch" | "loadUnusual" | "loadOwnPictures">> = {
  loadGpu: () => import("./gpu-path.js"),
  loadCheck: () => import("../check/index.js"),
  loadTorch: () => import("../weights/torch.js"),
  loadUnusual: () => import("../model/unusual/index.js"),
  loadOwnPictures: () => import("../image/own.js"),
};
