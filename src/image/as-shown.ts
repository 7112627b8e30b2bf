/** Whether a frame's pixels are those of the picture that it shows, which is of that size: not turned, nor stretched. */
export function asShown(
  frame: VideoFrame,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  const { visibleRect, displayWidth, displayHeight } = frame;
  // Not every browser tells.
  const { rotation, flip } = frame as { rotation?: number; flip?: boolean };
  const isSame = [visibleRect?.width, displayWidth].every((it) => it === width);
  return isSame && [visibleRect?.height, displayHeight].every((it) => it === height) && !rotation && !flip;
}
