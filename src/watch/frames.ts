import type { Platform } from "../base/platform.js";

/** The frames of a video as it shows them; every animation frame, where a browser does not tell. */
export function framesOf(video: Platform<"HTMLVideoElement">) {
  let handle = 0;
  let ended = false;
  const isTold: boolean = "requestVideoFrameCallback" in video;
  return {
    each(onFrame: (now: number, time: number) => void): void {
      let last = -1;
      const next = (now: number, frame?: { mediaTime: number }) => {
        if (ended) return;
        const time = frame?.mediaTime ?? video.currentTime;
        ask();
        if (isTold || (time !== last && video.readyState >= 2)) onFrame(now, time);
        last = time;
      };
      const ask = () => {
        handle = isTold ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
      };
      ask();
    },
    cancel(): void {
      ended = true;
      if (isTold) video.cancelVideoFrameCallback(handle);
      else cancelAnimationFrame(handle);
    },
  };
}
