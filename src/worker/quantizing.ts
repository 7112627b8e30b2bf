import { onAbort } from "../base/abort.js";
import { isKind } from "../base/kind.js";
import { checkFields } from "../base/nearest.js";
import { throwIfAborted, WorkerError } from "../errors.js";
import type { EntryHost } from "../host/entry-host.js";
import type { ModelSource } from "../options.js";
import type { QuantizedFile, QuantizeOptions, QuantizeProgress, QuantizeSettings } from "../quantize/options.js";
import { listPictures, type Pictures } from "../quantize/pictures.js";
import { receiveError, type SentError, sendError } from "./errors.js";
import type { WorkerHandle } from "./handle/handle.js";
import { keepSource, sendSource } from "./source.js";

/** Which pictures: those that calibrate, or those held out. */
export type Which = "images" | "evaluate";

const known: Readonly<Record<keyof QuantizeOptions<unknown>, 0>> = {
  calibration: 0,
  evaluate: 0,
  dtype: 0,
  architecture: 0,
  preprocess: 0,
  labels: 0,
  inputSize: 0,
  worker: 0,
  signal: 0,
  onProgress: 0,
};

/** To the worker: the work, and then the pictures that it asks for. */
export type Order =
  | {
      readonly kind: "quantize";
      readonly source: string | Blob | ArrayBuffer;
      readonly settings: QuantizeSettings;
      /** How many there are: undefined where only the end shows it, null where none are given. */
      readonly counts: Readonly<Record<Which, number | undefined | null>>;
    }
  | { readonly kind: "picture"; readonly name: string; readonly image?: unknown; readonly error?: SentError }
  | { readonly kind: "end" };

/** From the worker. */
export type Word =
  | { readonly hello: true; readonly lock?: string }
  | { readonly ask: Which; readonly index: number }
  | { readonly progress: QuantizeProgress }
  | { readonly value: QuantizedFile }
  | { readonly error: SentError };

interface Given {
  readonly name: string;
  readonly image: unknown;
}

/**
 * Quantizes in a worker, to which pictures are sent one by one as it asks for them. The worker ends with the work: an abort takes effect
 * at once. Throws as `quantizeModel`, and `WorkerError` where there is no worker.
 */
export async function quantizeInWorker<Image>(
  host: Pick<EntryHost, "startWorker" | "absolute" | "sendImage">,
  source: ModelSource,
  images: Iterable<Image> | AsyncIterable<Image> | null | undefined,
  options: QuantizeOptions<Image> = {},
): Promise<QuantizedFile> {
  checkFields(options, Object.keys(known), "quantize option");
  const { evaluate, worker: file, signal, onProgress, ...settings } = options;
  throwIfAborted(signal);
  const list = (given: typeof images) => (given == null ? null : listPictures(given, nameOf<Image>));
  const pictures = { images: list(images), evaluate: list(evaluate) };
  const kept = await keepSource(host, source);
  const [sent, transfer] = await sendSource(kept);
  throwIfAborted(signal);
  const worker = started(() => host.startWorker(file));
  let forget: (() => void) | undefined;
  try {
    return await new Promise<QuantizedFile>((resolve, reject) => {
      forget = onAbort(signal, () => reject(signal!.reason));
      worker.listen(
        (word: Word) => {
          if ("hello" in word) {
            if (word.lock) worker.watch(word.lock);
          } else if ("ask" in word) {
            answer(worker, pictures[word.ask]!, word.index).catch(reject);
          } else if ("progress" in word) {
            // The caller's code: what it throws ends the work.
            try {
              onProgress?.(word.progress);
            } catch (error) {
              reject(error);
            }
          } else if ("error" in word) reject(receiveError(word.error));
          else resolve(word.value);
        },
        (reason) => reject(new WorkerError(`The worker that quantizes stopped (${reason}). ${MEND}`)),
      );
      worker.hold(true);
      const counts = { images: lengthOf(pictures.images), evaluate: lengthOf(pictures.evaluate) };
      worker.post({ kind: "quantize", source: sent, settings, counts } satisfies Order, transfer);
    });
  } finally {
    forget?.();
    worker.terminate();
    // A generator's own clean-up; what it throws would hide the answer.
    for (const it of Object.values(pictures)) await it?.close().catch(() => {});
  }

  async function answer(to: WorkerHandle, from: Pictures<Given>, index: number) {
    const given = await from.at(index);
    if (!given) return to.post({ kind: "end" } satisfies Order);
    const { name } = given;
    let moved: Transferable[] = [];
    try {
      let image: unknown;
      [image, moved] = await host.sendImage(given.image);
      to.post({ kind: "picture", name, image } satisfies Order, moved);
    } catch (error) {
      // It is passed over as one is that cannot be decoded.
      to.post({ kind: "picture", name, error: sendError(error) } satisfies Order);
    } finally {
      // Nothing is left of what was posted.
      for (const it of moved) (it as Partial<VideoFrame>).close?.();
    }
  }
}

const MEND = "Serve quantize-worker.js beside quantize.js, or state its address as worker.";

function started(start: () => WorkerHandle): WorkerHandle {
  try {
    return start();
  } catch (cause) {
    throw new WorkerError(`No worker to quantize in: ${(cause as Error).message}. ${MEND}`, { cause });
  }
}

const lengthOf = (pictures: Pictures<Given> | null) => (pictures ? pictures.length : null);

/** What a message calls an image: its path, address or file name, else its place. */
function nameOf<Image>(image: Image, index: number): Given {
  const name = isKind(image, "String", "URL")
    ? `${image}`
    : isKind(image, "File")
      ? (image as unknown as File).name
      : "";
  return { name: name || `image ${index + 1}`, image };
}
