interface Kinds {
  ArrayBuffer: ArrayBuffer;
  Blob: Blob;
  File: File;
  Float32Array: Float32Array;
  HTMLVideoElement: HTMLVideoElement;
  ImageBitmap: ImageBitmap;
  Response: Response;
  String: string;
  URL: URL;
  Uint8Array: Uint8Array;
  Uint8ClampedArray: Uint8ClampedArray;
  VideoFrame: VideoFrame;
  "WebAssembly.Module": WebAssembly.Module;
}

/** Whether a value is of a built-in class, of whichever realm: a frame's or a test environment's `Float32Array` is one too. */
export function isKind<K extends keyof Kinds>(value: unknown, ...kinds: readonly K[]): value is Kinds[K] {
  return kinds.includes(Object.prototype.toString.call(value).slice(8, -1) as K);
}
