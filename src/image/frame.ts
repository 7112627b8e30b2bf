/** What WebGPU imports without a copy. */
export type Frame = HTMLVideoElement | VideoFrame;

export function isFrame(image: unknown): image is Frame {
  const { HTMLVideoElement, VideoFrame } = globalThis;
  return [HTMLVideoElement, VideoFrame].some((type) => type !== undefined && image instanceof type);
}
