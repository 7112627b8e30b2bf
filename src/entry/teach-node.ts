// "resnet-edge/teach" for Node.

import { beside } from "../host/beside-node.js";
import { compileKernels } from "../host/fetch-kernels.js";
import { readFile } from "../host/file-calls.js";
import { nodeHost } from "../host/node.js";
import { stayAwake } from "../host/stay-awake.js";
import type { NodeImage } from "../image/kinds.js";
import { ByteGallery } from "../nearest/gallery.js";
import type { Gallery } from "../nearest/kinds.js";
import { openInPlace } from "../session/open.js";
import { createTeacherOn } from "../teach/create.js";
import type { CreateTeacher } from "../teach/kinds.js";
import { startWorker } from "../worker/handle/start-node.js";
import { openSession } from "../worker/session.js";

export type { NodeImage } from "../image/kinds.js";
export * from "./public-teach.js";

const ownKernel = () => beside(import.meta.url, () => new URL("./nearest.wasm", import.meta.url));

/** An empty gallery of vectors of one length. */
export async function createGallery(dimension: number): Promise<Gallery> {
  return new ByteGallery(await compileKernels(await readFile(ownKernel())), dimension);
}

const host = {
  ...nodeHost,
  startWorker,
  openInPlace: (...all: Parameters<typeof openInPlace> extends [unknown, ...infer Rest] ? Rest : never) =>
    stayAwake(openInPlace(nodeHost, ...all)),
};

/** A teacher on a backbone: whatever `loadClassifier` takes, with its options. */
export const createTeacher: CreateTeacher<NodeImage> = (backbone, options) =>
  createTeacherOn({ ...nodeHost, open: (...all) => openSession(host, ...all) }, backbone, options);
