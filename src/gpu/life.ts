import { ClosedError } from "../errors.js";
import { unavailable } from "./device.js";

/** An engine's time on its device: it ends once, when the device is lost, fails or the engine is closed. */
export class Life {
  /** The error of every later call; null while it lives. */
  end: Error | null = null;
  /** Why it failed; null while it lives, and after it was closed. */
  lost: string | null = null;
  /** Rejects at the end, whatever is waited for. */
  readonly ended: Promise<never>;
  #reject!: (error: Error) => void;

  /** `free` is called at the end; `onLost` after it, where it was a failure. */
  constructor(
    gpu: GPUDevice,
    private readonly free: () => void,
    private readonly onLost: ((reason: string) => void) | undefined,
  ) {
    this.ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.ended.catch(() => {});
    gpu.lost.then(({ reason, message }) => this.fail(`the device was lost (${message || reason})`));
  }

  fail(reason: string): void {
    if (this.end) return;
    this.lost = reason;
    this.#finish(unavailable(reason));
    this.onLost?.(reason);
  }

  close(): void {
    if (!this.end) this.#finish(new ClosedError("The GPU engine was closed."));
  }

  #finish(error: Error): void {
    this.end = error;
    this.#reject(error);
    // A device that is lost may refuse even this.
    try {
      this.free();
    } catch {}
  }
}
