import { nodeHost } from "../host/node.js";
import { stayAwake } from "../host/stay-awake.js";
import { inputsOf } from "../image/inputs-of.js";
import type { NodeImage } from "../image/kinds.js";
import type { Preprocess } from "../options.js";
import { openInPlace } from "../session/open.js";
import { startWorker } from "../worker/handle/start-node.js";
import { openSession } from "../worker/session.js";
import { createApi } from "./api.js";
import type { Classifier as ClassifierOf } from "./model.js";

export type { BrowserImage, NodeImage } from "../image/kinds.js";
export * from "./public.js";

/** A network that takes images. */
export type Classifier<Image = NodeImage> = ClassifierOf<Image>;

export const { loadModel, loadClassifier } = createApi<NodeImage>(nodeHost.defaultModel, (...all) =>
  openSession(
    { ...nodeHost, startWorker, openInPlace: (...rest) => stayAwake(openInPlace(nodeHost, ...rest)) },
    ...all,
  ),
);

/** An image as `model.run` takes it: [3, height, width] f32 planes, resized, cropped and normalised as `model.preprocess` says. */
export async function preprocess(
  image: NodeImage,
  spec: Preprocess,
  { signal }: { signal?: AbortSignal | null } = {},
): Promise<Float32Array> {
  return (await inputsOf(nodeHost, image, [spec], signal))[0]!;
}
