/** How long the camera may be away before it is looked for again, in ms: longer each time, up to the last. */
const RETRIES = [500, 1000, 2000, 5000, 10_000];

/**
 * Keeps a camera's picture in a video element, and looks for the camera again when it goes: unplugged, taken by another
 * program, or refused until somebody allows it.
 */
export class Camera {
  #stream: MediaStream | null = null;
  #wanted = false;
  #failures = 0;
  #timer = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    /** What is wrong, for people to read; null when nothing is. */
    private readonly onState: (trouble: string | null) => void,
  ) {
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (this.#wanted && !this.#stream) this.#open();
    });
  }

  get live(): boolean {
    return this.#stream !== null && this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  start(): void {
    this.#wanted = true;
    this.#failures = 0;
    if (!this.#stream) this.#open();
  }

  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.video.srcObject = null;
    this.onState(null);
  }

  /** The next picture that has not been seen, or soon after where the browser does not say when that is. */
  nextFrame(): Promise<void> {
    return new Promise((resolve) => {
      // A camera that has stopped sends no more: whoever waits must not wait for ever.
      const timer = setTimeout(resolve, 500);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(done);
      else requestAnimationFrame(done);
    });
  }

  async #open(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      if (!navigator.mediaDevices) throw new Error("cameras need https or localhost");
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (!this.#wanted || this.#stream) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#stream = stream;
      for (const track of stream.getVideoTracks())
        track.addEventListener("ended", () => this.#lost("The camera is gone"));
      this.video.srcObject = stream;
      await this.video.play();
      this.#failures = 0;
      this.onState(null);
    } catch (error) {
      this.#lost(reasonOf(error as Error));
    }
  }

  #lost(reason: string): void {
    if (!this.#wanted) return;
    this.#stream = null;
    this.video.srcObject = null;
    const wait = RETRIES[Math.min(this.#failures++, RETRIES.length - 1)]!;
    this.onState(`${reason}. Looking for it again.`);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#open(), wait);
  }
}

function reasonOf({ name, message }: Error): string {
  if (name === "NotAllowedError") return "The camera is not allowed here: allow it in the browser's settings";
  if (name === "NotFoundError") return "No camera was found";
  if (name === "NotReadableError") return "Another program has the camera";
  return `The camera cannot be used (${message})`;
}
