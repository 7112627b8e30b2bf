import { asShown } from "./as-shown.js";

/** What a video shows, without a copy; null where a bitmap says more of it. The caller closes it. */
export function frameOf(video: HTMLVideoElement): VideoFrame | null {
  if (typeof VideoFrame === "undefined") return null;
  const frame = new VideoFrame(video);
  if (frame.format && asShown(frame, { width: video.videoWidth, height: video.videoHeight })) return frame;
  frame.close();
  return null;
}
