import type { Crop } from "../image/crop.js";
import type { CropSpec } from "../image/preprocess.js";
import type { ClassifyOptions } from "../options.js";
import type { WorkerHandle } from "../worker/handle/handle.js";
import { startWorker } from "../worker/handle/start.js";
import type { News, Request } from "../worker/messages.js";

type Part = Pick<ClassifyOptions, "region" | "rotation"> | undefined;

/** A frame that takes longer is given up: its worker may have ended without an event, or its WebAssembly module may never arrive. */
const READ_MS = 2000;

/**
 * Frames to crops, in a worker of their own, a second one of the library's file for models: beside an inference, which they would wait
 * for in the model's. One at a time. A worker that is missing, against a policy or too slow reads nothing.
 */
export class FrameReader {
  readonly #worker: WorkerHandle;
  readonly #spec: CropSpec;
  readonly #part: Part;
  #done: ((crop: Crop | null) => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(worker: WorkerHandle, spec: CropSpec, part: Part) {
    this.#worker = worker;
    this.#spec = spec;
    this.#part = part;
    worker.listen(
      (news: News) => {
        if (!("id" in news)) return;
        const crop = "value" in news ? (news.value as Crop["crop"] | undefined) : undefined;
        this.#settle(crop ? { crop } : null);
      },
      () => this.close(),
    );
  }

  /** Throws where there can be no worker. */
  static start(spec: CropSpec, part: Part): FrameReader {
    return new FrameReader(startWorker(), spec, part);
  }

  /** Takes the frame, which is closed then. Null: it cannot be read here, and nor can others. */
  read(frame: VideoFrame): Promise<Crop | null> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#timer = setTimeout(() => this.close(), READ_MS);
      const request: Request = { kind: "crop", id: 0, image: frame, spec: this.#spec, part: this.#part };
      try {
        if (this.#ended) this.#settle(null);
        else this.#worker.post(request, [frame]);
      } catch {
        this.#settle(null);
      } finally {
        frame.close();
      }
    });
  }

  close(): void {
    this.#ended = true;
    this.#worker.terminate();
    this.#settle(null);
  }

  #settle(crop: Crop | null): void {
    clearTimeout(this.#timer);
    this.#done?.(crop);
    this.#done = null;
  }
}
