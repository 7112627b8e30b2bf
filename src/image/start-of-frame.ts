/**
 * Where a JPEG's start of frame is, baseline or progressive; `meet` is told of the segments before it. 0 where there is none, or where
 * decoders may look for it elsewhere: what is found decides what they are trusted with.
 */
export function startOfFrame(view: DataView, meet?: (marker: number, at: number) => void): number {
  for (let at = 2; at + 10 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker < 0xffc3) return marker > 0xffbf && view.getUint16(0) === 0xffd8 ? at : 0;
    // Rare kinds of frames, markers without a length, and fill bytes: decoders do not take what follows those for one.
    if ((marker < 0xffdb && marker !== 0xffc4) || marker === 0xffff) return 0;
    meet?.(marker, at);
  }
  return 0;
}
