/** "opening": allowed, and not there yet. "missing": there was none since the start; "lost": there was one. */
export type CameraState = "off" | "asking" | "opening" | "live" | "denied" | "missing" | "lost";

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
  #opening = false;
  /** Whether there was a picture since the camera was asked for. */
  #seen = false;
  /** Whether what is wrong was said: it stands until there is a picture. */
  #troubled = false;

  constructor(
    private readonly video: HTMLVideoElement,
    /** What is wrong, for people to read; null when nothing is. */
    private readonly onState: (trouble: string | null, state: CameraState) => void,
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
    this.#seen = this.#stream !== null;
    this.#troubled = false;
    if (!this.#stream) this.#open();
  }

  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.video.srcObject = null;
    this.onState(null, "off");
  }

  /** The next picture that has not been seen, or soon after where the browser does not say when that is. */
  nextFrame(): Promise<void> {
    return new Promise((resolve) => {
      // A camera that has stopped sends no more, and nothing must wait for it for ever.
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
    if (this.#opening || this.#stream) return;
    this.#opening = true;
    try {
      if (!navigator.mediaDevices) throw new Error("cameras need https or localhost");
      const allowed = await isAllowed();
      if (!this.#wanted) return;
      if (!this.#troubled) this.onState(null, allowed ? "opening" : "asking");
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (!this.#wanted || this.#stream) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#stream = stream;
      for (const track of stream.getVideoTracks())
        track.addEventListener("ended", () => {
          if (this.#stream === stream) this.#lost("The camera is gone", "lost");
        });
      this.video.srcObject = stream;
      await this.video.play();
      this.#failures = 0;
      this.#seen = true;
      this.#troubled = false;
      this.onState(null, "live");
    } catch (error) {
      const { name } = error as Error;
      const gone = this.#seen || name === "NotReadableError" ? "lost" : "missing";
      this.#lost(reasonOf(error as Error), name === "NotAllowedError" ? "denied" : gone);
    } finally {
      this.#opening = false;
    }
  }

  #lost(reason: string, state: CameraState): void {
    if (!this.#wanted) return;
    this.#troubled = true;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.video.srcObject = null;
    const wait = RETRIES[Math.min(this.#failures++, RETRIES.length - 1)]!;
    this.onState(`${reason}. Looking for it again.`, state);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#open(), wait);
  }
}

/** Whether nobody will be asked. Browsers that do not tell are taken to ask. */
async function isAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "camera" as PermissionName })).state !== "prompt";
  } catch {
    return false;
  }
}

function reasonOf({ name, message }: Error): string {
  if (name === "NotAllowedError") return "The camera is not allowed here: allow it in the browser's settings";
  if (name === "NotFoundError") return "No camera was found";
  if (name === "NotReadableError") return "Another program has the camera";
  return `The camera cannot be used (${message})`;
}
