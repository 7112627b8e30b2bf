import type { Crop } from "../image/crop.js";
import type { CropSpec } from "../image/preprocess.js";
import type { ClassifyOptions } from "../options.js";
import type { WorkerHandle } from "../worker/handle/handle.js";
import { startWorkerFrom } from "../worker/handle/start-web.js";
import type { FrameNews, FrameOrder } from "./messages.js";

/** A frame that takes longer is given up: its worker may have ended without an event, or its WebAssembly module may never arrive. */
const READ_MS = 2000;

/**
 * Frames to crops, in a worker of their own: beside an inference, which they would wait for in the model's. One at a time.
 * A worker that is missing, against a policy or too slow reads nothing.
 */
export class FrameReader {
  readonly #worker: WorkerHandle;
  #done: ((crop: Crop | null) => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(worker: WorkerHandle, order: FrameOrder) {
    this.#worker = worker;
    worker.listen(
      ({ crop }: FrameNews) => this.#settle(crop && { crop }),
      () => this.close(),
    );
    worker.post(order);
  }

  /** Throws where there can be no worker. */
  static start(spec: CropSpec, part?: Pick<ClassifyOptions, "region" | "rotation">): FrameReader {
    const worker = startWorkerFrom(
      "./frame-worker.js",
      import.meta.url,
      () => new Worker(new URL("./frame-worker.js", import.meta.url), { type: "module" }),
    );
    return new FrameReader(worker, { spec, part });
  }

  /** Takes the frame, which is closed then. Null: it cannot be read here, and nor can others. */
  read(frame: VideoFrame): Promise<Crop | null> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#timer = setTimeout(() => this.close(), READ_MS);
      try {
        if (this.#ended) this.#settle(null);
        else this.#worker.post({ frame } satisfies FrameOrder, [frame]);
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
